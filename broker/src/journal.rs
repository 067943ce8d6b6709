//! Remembers the last requests that the cluster was sent, for tests to state what was asked.

use std::collections::VecDeque;
use std::iter;
use std::time::SystemTime;

use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;
use parking_lot::Mutex;

use crate::api::{Named, detach};
use crate::net::frame::Request;

/// How many topics and partitions all entries together may name, for each entry that there is room for: a journal of
/// requests that name thousands of partitions each is shorter than it was asked to be.
const NAMED_PER_ENTRY: usize = 16;

/// More than the largest number of an API.
const APIS: usize = 128;

/// A request, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was asked.
    pub api: ApiKey,
    /// In which version.
    pub version: i16,
    /// What the client calls itself; empty when it sent null.
    pub client_id: String,
    /// The node that was asked, counted from 0.
    pub node: i32,
    /// The connection it came on: no other connection to the cluster has or had this number.
    pub connection: u64,
    /// When it had arrived.
    pub arrived: SystemTime,
    /// When the response had been written; `None` while that has not happened, and when it never will.
    pub answered: Option<SystemTime>,
    /// The first error in the response, of whatever depth; `None` when there is none, or no response.
    pub error: Option<i16>,
    /// The number of the fault rule that acted on it.
    pub fault: Option<u64>,
    /// The topics that it names, by name or by id, with the partitions it names of each.
    pub topics: Vec<(String, Vec<i32>)>,
    /// The groups that it names.
    pub groups: Vec<String>,
    /// The member of the group that it speaks for; empty when it speaks for none, or for one that has no id yet. Of a
    /// LeaveGroup of several only what versions before 3 name.
    pub member: String,
    /// The transactional ids that it names.
    pub transactional_ids: Vec<String>,
    /// What an OffsetCommit or TxnOffsetCommit asked to be committed, and whether it was.
    pub commits: Vec<Commit>,
}

/// One position of an OffsetCommit or TxnOffsetCommit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset that the group is to read next.
    pub offset: i64,
    /// Whether the group took it, or the transaction did, whatever the client was told: an answer that a fault rule drops
    /// or replaces by an error changes nothing of that.
    pub taken: bool,
}

/// The number of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(u64);

/// The requests of all nodes, oldest first.
#[derive(Debug)]
pub(crate) struct Journal {
    capacity: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    counts: [usize; APIS],
    entries: VecDeque<Kept>,
    /// The number of the first entry that is kept.
    first: u64,
    /// How many topics and partitions the entries name.
    named: usize,
}

/// An entry in the form that costs the least to write.
#[derive(Debug)]
struct Kept {
    api: ApiKey,
    version: i16,
    client_id: StrBytes,
    node: i32,
    connection: u64,
    arrived: SystemTime,
    answered: Option<SystemTime>,
    error: Option<i16>,
    fault: Option<u64>,
    named: Named,
    /// Of each offset that is named, whether it was taken; empty until that is known.
    taken: Vec<bool>,
}

impl Journal {
    /// Keeps at most `capacity` entries. The requests are counted all the same.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            inside: Mutex::new(Inside {
                counts: [0; APIS],
                entries: VecDeque::new(),
                first: 0,
                named: 0,
            }),
        }
    }

    /// Takes note of a request that has arrived.
    pub(crate) fn arrived(
        &self,
        request: &Request,
        (node, connection): (i32, u64),
        named: Named,
        fault: Option<u64>,
    ) -> Ticket {
        let kept = Kept {
            api: request.api,
            version: request.version,
            client_id: detach(&request.client_id),
            node,
            connection,
            arrived: SystemTime::now(),
            answered: None,
            error: None,
            fault,
            named: named.detached(),
            taken: Vec::new(),
        };
        let mut inside = self.inside.lock();
        if let Some(count) = inside.counts.get_mut(kept.api as usize) {
            *count += 1;
        }
        inside.push(kept, self.capacity)
    }

    /// Takes note of the first error in the response to a request.
    pub(crate) fn outcome(&self, ticket: Ticket, error: Option<i16>) {
        if error.is_some() {
            self.inside.lock().change(ticket, |kept| kept.error = error);
        }
    }

    /// Takes note of which offsets of a commit were taken, in the order in which it names them.
    pub(crate) fn taken(&self, ticket: Ticket, taken: Vec<bool>) {
        self.inside.lock().change(ticket, |kept| kept.taken = taken);
    }

    /// Takes note that a request has been answered.
    pub(crate) fn answered(&self, ticket: Ticket) {
        let now = SystemTime::now();
        let mut inside = self.inside.lock();
        inside.change(ticket, |kept| kept.answered = Some(now));
    }

    /// How many requests of an API have arrived, also of those whose entries are gone.
    pub(crate) fn count(&self, api: ApiKey) -> usize {
        let inside = self.inside.lock();
        inside.counts.get(api as usize).copied().unwrap_or(0)
    }

    /// The entries, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.inside.lock().entries.iter().map(Kept::entry).collect()
    }
}

impl Inside {
    fn push(&mut self, kept: Kept, capacity: usize) -> Ticket {
        self.named += kept.named.size();
        self.entries.push_back(kept);
        let most_named = capacity.saturating_mul(NAMED_PER_ENTRY);
        let ticket = Ticket(self.first + self.entries.len() as u64 - 1);
        while self.entries.len() > capacity || self.named > most_named {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.first += 1;
            self.named -= oldest.named.size();
        }
        ticket
    }

    fn change(&mut self, Ticket(number): Ticket, change: impl FnOnce(&mut Kept)) {
        let at = number.checked_sub(self.first);
        let kept = at.and_then(|at| self.entries.get_mut(usize::try_from(at).ok()?));
        kept.map(change).unwrap_or_default();
    }
}

impl Kept {
    fn entry(&self) -> Entry {
        let text = |text: &StrBytes| text.to_string();
        let topics = self.named.topics.iter();
        Entry {
            api: self.api,
            version: self.version,
            client_id: text(&self.client_id),
            node: self.node,
            connection: self.connection,
            arrived: self.arrived,
            answered: self.answered,
            error: self.error,
            fault: self.fault,
            topics: topics
                .map(|(topic, partitions)| (topic.to_string(), partitions.clone()))
                .collect(),
            groups: self.named.groups.iter().map(text).collect(),
            member: text(&self.named.member),
            transactional_ids: self.named.transactional_ids.iter().map(text).collect(),
            commits: self.commits(),
        }
    }

    fn commits(&self) -> Vec<Commit> {
        let partitions = self.named.topics.iter().flat_map(|(topic, partitions)| {
            let of_topic = partitions.iter();
            of_topic.map(move |partition| (topic.to_string(), *partition))
        });
        let taken = self.taken.iter().copied().chain(iter::repeat(false));
        let positions = partitions.zip(&self.named.offsets).zip(taken);
        let commit = |(((topic, partition), offset), taken): ((_, &i64), _)| Commit {
            topic,
            partition,
            offset: *offset,
            taken,
        };
        positions.map(commit).collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_protocol::messages::{ApiKey, TopicName};
    use kafka_protocol::protocol::StrBytes;

    use super::Journal;
    use crate::api::Named;
    use crate::net::frame::Request;

    /// A request whose names are parts of one large frame.
    fn large() -> (Bytes, Request, Named) {
        let frame = Bytes::from(vec![b'x'; 1 << 20]);
        let part = || StrBytes::from_utf8(frame.slice(..5)).expect("text");
        let request = Request {
            api: ApiKey::Produce,
            version: 9,
            correlation_id: 7,
            client_id: part(),
            body: Bytes::new(),
        };
        let named = Named {
            topics: vec![(TopicName(part()), vec![0, 1])],
            groups: vec![part()],
            transactional_ids: vec![part()],
            member: part(),
            offsets: Vec::new(),
        };
        (frame, request, named)
    }

    #[test]
    fn an_entry_does_not_keep_its_request_in_memory() {
        let (frame, request, named) = large();
        let journal = Journal::new(10);
        journal.arrived(&request, (0, 1), named, None);
        drop(request);
        assert!(frame.is_unique());
        assert_eq!(journal.entries()[0].topics[0].1, [0, 1]);
    }

    #[test]
    fn requests_that_name_much_take_the_room_of_several() {
        let (_, request, named) = large();
        let wide = Named {
            topics: vec![(named.topics[0].0.clone(), (0..100).collect())],
            ..Named::default()
        };
        let journal = Journal::new(10);
        for _ in 0..3 {
            journal.arrived(&request, (0, 1), wide.clone(), None);
        }
        assert_eq!(
            journal.entries().len(),
            1,
            "160 names are room for one of 101"
        );
        assert_eq!(journal.count(ApiKey::Produce), 3);
    }

    #[test]
    fn an_entry_that_is_gone_is_not_changed() {
        let (_, request, named) = large();
        let journal = Journal::new(1);
        let first = journal.arrived(&request, (0, 1), named.clone(), None);
        let second = journal.arrived(&request, (0, 2), named, None);
        journal.outcome(first, Some(5));
        journal.answered(first);
        assert_eq!(
            (journal.entries()[0].error, journal.entries()[0].answered),
            (None, None)
        );
        journal.outcome(second, Some(6));
        assert_eq!(journal.entries()[0].error, Some(6));
    }
}
