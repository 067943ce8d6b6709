//! Draws faults at random, lets each last a while, and takes all of them away again.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kmirror_broker::Fault;

use super::Side;
use super::repeats::Place;
use super::soak::{Daemons, NODES, TOPICS, places};
use super::strikes::RULES;
use crate::harness::{SOON, Sites, copy_of, group_of};

/// Chance of a new fault at each step, in percent.
const CHANCE: u8 = 30;

/// How long the target is left in peace before producers are forgotten: for a write that a rule had held to land.
const CALM: Duration = Duration::from_secs(1);

/// What is the matter with a running mirror, and until when.
pub struct Weather {
    rng: fastrand::Rng,
    rules: Vec<(Instant, Side, Fault)>,
    down: Vec<(Instant, Side, i32)>,
    full: Option<Instant>,
    asleep: Vec<(Instant, usize)>,
    /// Where each copy ended when a request to the target could have failed last: who has written since knows its leader.
    troubled_to: BTreeMap<Place, i64>,
    /// When a request to the target could have failed last.
    troubled_at: Instant,
    /// Which partition's producers were forgotten last, and where it ended then.
    forgotten: Option<(Place, i64)>,
    /// How often each kind was drawn.
    drawn: BTreeMap<&'static str, usize>,
}

impl Weather {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed ^ 0x5eed),
            rules: Vec::new(),
            down: Vec::new(),
            full: None,
            asleep: Vec::new(),
            troubled_to: BTreeMap::new(),
            troubled_at: Instant::now(),
            forgotten: None,
            drawn: BTreeMap::new(),
        }
    }

    /// Ends what has lasted long enough, and perhaps begins something new.
    pub fn blow(&mut self, sites: &mut Sites, daemons: &mut Daemons<'_>) -> Result<()> {
        if self.is_target_troubled() {
            self.target_is_troubled(sites);
        }
        self.end(Instant::now(), sites, daemons)?;
        if self.rng.u8(..100) >= CHANCE {
            return Ok(());
        }
        match self.rng.u8(..10) {
            0..=4 => self.strike_requests(sites),
            5 => self.move_leaders(sites)?,
            6 => self.stop_nodes(sites)?,
            7 => self.trouble_the_group(sites)?,
            8 => self.trouble_the_target(sites),
            _ => self.trouble_a_process(daemons)?,
        }
        Ok(())
    }

    /// Ends everything.
    pub fn clear(&mut self, sites: &mut Sites, daemons: &mut Daemons<'_>) -> Result<()> {
        let all = Instant::now() + Duration::from_secs(3600);
        self.end(all, sites, daemons)
    }

    /// Whether a request to the target may fail now.
    fn is_target_troubled(&self) -> bool {
        let rules = self.rules.iter().map(|(_, side, _)| side);
        let down = self.down.iter().map(|(_, side, _)| side);
        self.full.is_some() || rules.chain(down).any(|side| *side == Side::Target)
    }

    /// Whether the target has forgotten who writes a partition, and took nothing there since. What it takes first then
    /// comes first (docs/guarantees.md, "Limits"): it is left in peace until then.
    fn is_target_fragile(&self, sites: &Sites) -> bool {
        let forgotten = self.forgotten.as_ref();
        forgotten.is_some_and(|(place, before)| end(sites, place) <= *before)
    }

    fn target_is_troubled(&mut self, sites: &Sites) {
        let ends = places().into_iter().map(|place| {
            let end = end(sites, &place);
            (place, end)
        });
        self.troubled_to = ends.collect();
        self.troubled_at = Instant::now();
    }

    fn end(&mut self, now: Instant, sites: &mut Sites, daemons: &mut Daemons<'_>) -> Result<()> {
        for (_, _, rule) in self.rules.extract_if(.., |(until, _, _)| *until <= now) {
            rule.remove();
        }
        for (_, side, node) in self.down.extract_if(.., |(until, _, _)| *until <= now) {
            side.of(sites).start_node(node)?;
        }
        if self.full.is_some_and(|until| until <= now) {
            self.full = None;
            sites.target.cluster().set_disk_full(false);
        }
        for (_, index) in self.asleep.extract_if(.., |(until, _)| *until <= now) {
            daemons.pick(index).resume()?;
        }
        Ok(())
    }

    fn lasts(&mut self, most_ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(self.rng.u64(200..most_ms))
    }

    fn note(&mut self, what: &'static str) {
        *self.drawn.entry(what).or_default() += 1;
    }

    fn strike_requests(&mut self, sites: &mut Sites) {
        let (side, api, what, act) = RULES[self.rng.usize(..RULES.len())];
        if side == Side::Target && self.is_target_fragile(sites) {
            return;
        }
        let rule = side.of(sites).on(api).probability(0.2);
        let until = self.lasts(3_000);
        self.rules.push((until, side, act(rule)));
        self.note(what);
    }

    fn side(&mut self) -> Side {
        if self.rng.bool() {
            Side::Source
        } else {
            Side::Target
        }
    }

    fn move_leaders(&mut self, sites: &mut Sites) -> Result<()> {
        let side = self.side();
        if side == Side::Target {
            if self.is_target_fragile(sites) {
                return Ok(());
            }
            self.target_is_troubled(sites);
        }
        self.note("leaders moved");
        Ok(side.of(sites).cluster().shuffle_leaders()?)
    }

    /// One of the nodes, or all of a cluster.
    fn stop_nodes(&mut self, sites: &mut Sites) -> Result<()> {
        let (side, node) = (self.side(), self.rng.i32(0..NODES));
        let (nodes, what) = match self.rng.u8(..4) {
            0 => (0..NODES, "cluster down"),
            _ => (node..node + 1, "node down"),
        };
        let is_down = self.down.iter().any(|(_, other, _)| *other == side);
        if is_down || side == Side::Target && self.is_target_fragile(sites) {
            return Ok(());
        }
        let until = self.lasts(4_000);
        for node in nodes {
            side.of(sites).stop_node(node)?;
            self.down.push((until, side, node));
        }
        self.note(what);
        Ok(())
    }

    fn topic(&mut self) -> &'static str {
        TOPICS[self.rng.usize(..TOPICS.len())]
    }

    fn trouble_the_group(&mut self, sites: &Sites) -> Result<()> {
        let group = group_of(self.topic());
        let cluster = sites.source.cluster();
        // A group that nobody has joined yet has nothing to lose.
        match self.rng.u8(..4) {
            0 if cluster.expire_members(&group).is_ok() => self.note("members expired"),
            1 if cluster.force_rebalance(&group).is_ok() => self.note("rebalance"),
            2 if cluster.bump_generation(&group).is_ok() => self.note("generation bumped"),
            3 => {
                let (before, node) = (cluster.coordinator(&group), self.rng.i32(0..NODES));
                // To a node that is down it cannot move.
                let moved = cluster.move_coordinator(&group, node).is_ok();
                if moved && before != Some(node) {
                    self.note("coordinator moved");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn trouble_the_target(&mut self, sites: &Sites) {
        if self.is_target_fragile(sites) {
            return;
        }
        if self.rng.bool() {
            sites.target.cluster().set_disk_full(true);
            self.full = Some(self.lasts(3_000));
            self.note("disk full");
        } else {
            self.forget_producers(sites);
        }
    }

    /// Where who writes now knows the leader, and no request fails: a broker forgets at any time, but rarely enough for
    /// nothing else to be the matter.
    fn forget_producers(&mut self, sites: &Sites) {
        let places = places();
        let place = places[self.rng.usize(..places.len())].clone();
        let end = end(sites, &place);
        let is_calm = !self.is_target_troubled() && self.troubled_at.elapsed() >= CALM;
        let before = self.troubled_to.get(&place).copied().unwrap_or(0);
        if !is_calm || end <= before {
            return;
        }
        let target = sites.target.cluster();
        let forgotten = target.forget_producers(&copy_of(&place.0), place.1);
        if forgotten.is_ok() {
            self.forgotten = Some((place, end));
            self.note("producers forgotten");
        }
    }

    fn trouble_a_process(&mut self, daemons: &mut Daemons<'_>) -> Result<()> {
        let index = self.rng.usize(..daemons.count());
        if self.asleep.iter().any(|(_, other)| *other == index) {
            return Ok(());
        }
        match self.rng.u8(..3) {
            0 => {
                daemons.pick(index).kill()?;
                daemons.replace(index)?;
                self.note("killed");
            }
            1 => {
                // Shorter or longer than the session.
                daemons.pick(index).pause()?;
                let until = self.lasts(9_000);
                self.asleep.push((until, index));
                self.note("stopped");
            }
            _ => {
                let ended = daemons.pick(index).terminate(SOON)?;
                // Drained, or the deadline passed.
                ensure!(
                    matches!(ended.code(), Some(0 | 75)),
                    "a stop ends with {ended}"
                );
                daemons.replace(index)?;
                self.note("restarted");
            }
        }
        Ok(())
    }
}

/// Where the copy of a partition ends.
fn end(sites: &Sites, (topic, partition): &Place) -> i64 {
    let target = sites.target.cluster();
    target.log_end(&copy_of(topic), *partition).unwrap_or(0)
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (what, count)) in self.drawn.iter().enumerate() {
            write!(f, "{}{what} {count}×", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
