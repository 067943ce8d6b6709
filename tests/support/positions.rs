//! Consumer groups at the start, at the end and at random positions of partitions, as a failover finds them.

use std::collections::BTreeMap;

use anyhow::Result;

use super::client::Client;

/// Groups at random positions, beside those at the start and at the end.
const AT_RANDOM: usize = 200;

/// The next offset that each group reads, in the order of the partitions that were asked for.
pub type Positions = BTreeMap<String, Vec<i64>>;

/// Has groups whose names begin with `prefix` commit positions in these partitions, which somebody coordinates groups for.
pub fn commit(client: &mut Client, prefix: &str, partitions: &[(&str, i32)]) -> Result<Positions> {
    let mut random = fastrand::Rng::with_seed(42);
    let mut held = Vec::new();
    for (topic, partition) in partitions {
        let start = client.log_start(topic, *partition)?;
        held.push((start, client.log_end(topic, *partition)?));
    }
    let mut positions = Positions::new();
    for number in 0..AT_RANDOM + 2 {
        let group = format!("{prefix}-{number}");
        let places = held.iter().map(|(start, end)| match number {
            0 => *start,
            1 => *end,
            _ => random.i64(*start..=*end),
        });
        let places: Vec<_> = places.collect();
        let offsets = partitions.iter().zip(&places);
        let offsets = offsets.map(|((topic, partition), at)| (*topic, *partition, *at));
        let offsets: Vec<_> = offsets.collect();
        client.commit_with(&group, &offsets, "")?;
        positions.insert(group, places);
    }
    Ok(positions)
}
