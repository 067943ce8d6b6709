//! Reads and writes the leader epochs in a list of partitions, for which the safe binding has no call.

use std::slice;

use rdkafka::TopicPartitionList;
use rdkafka_sys::bindings as sys;

/// Sets the epoch of each partition of `list`, in its order, where there is one (KIP-320).
pub fn set(list: &mut TopicPartitionList, epochs: impl IntoIterator<Item = Option<i32>>) {
    for (element, epoch) in elements(list).iter_mut().zip(epochs) {
        if let Some(epoch) = epoch {
            // SAFETY: the element is alive and, the list being borrowed exclusively, ours alone.
            unsafe { sys::rd_kafka_topic_partition_set_leader_epoch(element, epoch) };
        }
    }
}

/// The epoch of each partition of `list`, in its order: negative when there is none.
pub fn get(list: &mut TopicPartitionList) -> Vec<i32> {
    let elements = elements(list).iter();
    // SAFETY: the element is alive and only read.
    let epochs =
        elements.map(|element| unsafe { sys::rd_kafka_topic_partition_get_leader_epoch(element) });
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
        assert!(get(&mut list).is_empty());
        for topic in ["orders", "payments", "refunds"] {
            list.add_partition(topic, 0);
        }
        set(&mut list, [Some(7), None, Some(9)]);
        assert_eq!(get(&mut list), [7, -1, 9]);
    }
}
