//! Knows the maps of the partitions that this process copies, for whoever translates offsets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::map::Map;
use crate::clusters::TopicPartition;

/// The map of one partition: it grows with its acknowledgements while others read it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedMap(Arc<Mutex<Map>>);

impl SharedMap {
    /// Shares `map`.
    pub fn new(map: Map) -> Self {
        Self(Arc::new(Mutex::new(map)))
    }

    /// The map, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().expect("no code panics while it holds a map")
    }
}

/// One partition's map, and the name of its copy.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Name of the topic on the target.
    pub target_topic: Arc<str>,
    /// The map.
    pub map: SharedMap,
}

/// The maps of one mirror in this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<BTreeMap<TopicPartition, Registered>>>);

impl Registry {
    /// Adds the map of a partition that this process copies from now on.
    pub fn add(&self, at: TopicPartition, registered: Registered) {
        self.maps().insert(at, registered);
    }

    /// Takes out the map of a partition that this process copies no more, unless another one took its place.
    pub fn remove(&self, at: &TopicPartition, map: &SharedMap) {
        let mut maps = self.maps();
        let is_it = maps
            .get(at)
            .is_some_and(|known| Arc::ptr_eq(&known.map.0, &map.0));
        if is_it {
            maps.remove(at);
        }
    }

    /// All maps as of now.
    pub fn snapshot(&self) -> BTreeMap<TopicPartition, Registered> {
        self.maps().clone()
    }

    fn maps(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, Registered>> {
        self.0
            .lock()
            .expect("no code panics while it holds the maps")
    }
}
