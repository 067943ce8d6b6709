//! Gives a partition that begins its offset map: what was stored of it, what was found beyond, or what this process had.

use super::begin::Begin;
use super::copies::Memory;
use super::lookback::Found;
use crate::clusters::TopicPartition;
use crate::offset::{SourceOffset, TargetOffset};
use crate::offset_map::{Map, Run, SharedMap};

/// The map of a partition of which this process `known` a map already or not, and which begins `on` that offset, or stands
/// still.
pub fn map(
    mirror: &str,
    at: &TopicPartition,
    known: Option<SharedMap>,
    memory: Memory,
    begin: Begin,
    on: Option<SourceOffset>,
) -> SharedMap {
    match known {
        Some(known) => {
            go_on(&mut known.lock(), memory, on);
            known
        }
        None => SharedMap::new(from_past(mirror, at, memory, begin, on)),
    }
}

fn go_on(map: &mut Map, memory: Memory, on: Option<SourceOffset>) {
    let Some(position) = on else { return };
    if map.ends().differ_from(&memory.ends) {
        map.begin_between(memory.ends, position, memory.target_end);
        return;
    }
    if let Some(Ok(found)) = memory.found {
        found.runs.into_iter().for_each(|run| map.record(run, None));
    }
    map.go_on(position);
}

fn from_past(
    mirror: &str,
    at: &TopicPartition,
    memory: Memory,
    begin: Begin,
    on: Option<SourceOffset>,
) -> Map {
    let Memory {
        past,
        ends,
        target_end,
        found,
        syncs,
        ..
    } = memory;
    if let (Some(position), [first, ..]) = (on, &syncs[..]) {
        let mut map = Map::begin(mirror, at.clone(), past, ends, first.0, first.1);
        import(&mut map, &syncs, found, position, target_end);
        return map;
    }
    let known_to = past.mirrored_to();
    let position = on.or(known_to).unwrap_or(SourceOffset::new(0));
    // What the source deleted before it was read is no hole in the map: nothing of it is anywhere.
    let from = match begin {
        Begin::Gap { from, .. } if on.is_some() => from,
        _ => position,
    };
    let (from, target_from) = match (&found, known_to, past.target_end()) {
        (Some(Ok(_)), Some(known_to), Some(known_end)) => (known_to, known_end),
        _ => (from, target_end),
    };
    let mut map = Map::begin(mirror, at.clone(), past, ends, from, target_from);
    if let Some(Ok(found)) = found {
        found.runs.into_iter().for_each(|run| map.record(run, None));
    }
    map.go_on(position);
    map
}

/// Takes over what another deployment noted: between two records that are as far apart on both sides, all stand in step;
/// between others it is not known where each stands.
fn import(
    map: &mut Map,
    syncs: &[(SourceOffset, TargetOffset)],
    found: Option<Found>,
    position: SourceOffset,
    target_end: TargetOffset,
) {
    let found = found.and_then(Result::ok);
    let looked_from = found
        .as_ref()
        .and_then(|found| Some(found.runs.first()?.source));
    let until = looked_from.unwrap_or(position);
    let pairs = syncs.windows(2).map(|pair| (pair[0], pair[1]));
    for ((source, target), (next_source, next_target)) in pairs {
        if next_source > until {
            break;
        }
        let length = next_source.since(source);
        if length == next_target.since(target) {
            map.record(
                Run {
                    source,
                    target,
                    length,
                },
                None,
            );
        } else {
            map.leave_unknown(next_source, next_target);
        }
    }
    match found {
        Some(found) => found.runs.into_iter().for_each(|run| map.record(run, None)),
        None => map.leave_unknown(position, target_end),
    }
    map.go_on(position);
}
