//! Reads and writes the leader epochs in a list of partitions, for which the safe binding has no call.

use std::slice;

use rdkafka::TopicPartitionList;
use rdkafka_sys::bindings as sys;

/// Sets the epoch of each partition of `list` for which `epoch_of` knows one (KIP-320).
pub fn set(list: &mut TopicPartitionList, epoch_of: impl Fn(i32) -> Option<i32>) {
    for element in elements(list) {
        if let Some(epoch) = epoch_of(element.partition) {
            // SAFETY: the element is alive and, the list being borrowed exclusively, ours alone.
            unsafe { sys::rd_kafka_topic_partition_set_leader_epoch(element, epoch) };
        }
    }
}

/// Partitions of `list`, each with its epoch: negative when there is none.
pub fn get(list: &mut TopicPartitionList) -> Vec<(i32, i32)> {
    let elements = elements(list).iter();
    let epochs = elements.map(|element| {
        // SAFETY: the element is alive and only read.
        let epoch = unsafe { sys::rd_kafka_topic_partition_get_leader_epoch(element) };
        (element.partition, epoch)
    });
    epochs.collect()
}

fn elements(list: &mut TopicPartitionList) -> &mut [sys::rd_kafka_topic_partition_t] {
    // SAFETY: librdkafka keeps `cnt` elements at `elems`, null when there are none; they live as long as the list.
    unsafe {
        let list = &mut *list.ptr();
        match list.elems.is_null() {
            true => &mut [],
            false => slice::from_raw_parts_mut(list.elems, list.cnt.unsigned_abs() as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_stays_with_its_partition() {
        let mut list = TopicPartitionList::new();
        assert_eq!(get(&mut list), []);
        for partition in 0..3 {
            list.add_partition("orders", partition);
        }
        set(&mut list, |partition| {
            (partition != 1).then_some(partition + 7)
        });
        assert_eq!(get(&mut list), [(0, 7), (1, -1), (2, 9)]);
    }
}
