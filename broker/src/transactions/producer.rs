//! Holds one transactional id: who speaks for it, and what its transaction has come to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;
use serde::{Deserialize, Serialize};

use crate::groups::{OffsetCommit, Offsets};
use crate::log::Ending;

/// The last epoch that is given to a producer. The one after it is left for fencing.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// Who a producer is to the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The same for as long as there are epochs.
    pub(crate) producer_id: i64,
    /// Each instance that takes over has a newer one.
    pub(crate) epoch: i16,
}

/// A transactional id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Producer {
    /// `transactional.id`.
    pub(super) id: String,
    /// Who speaks for it now.
    pub(super) identity: Identity,
    /// Who spoke for it before and asked for a new identity itself: its answer may have been lost (KIP-360).
    pub(super) former: Option<Identity>,
    /// `transaction.timeout.ms`.
    timeout_ms: u64,
    pub(super) stage: Stage,
}

/// Where the transaction of a producer stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// There was none yet in this epoch.
    Idle,
    /// It takes records.
    Open(Transaction),
    /// How it ends is decided, but not yet said everywhere.
    Ending(Ending, Transaction),
    /// The last one ended so.
    Ended(Ending),
}

/// What a transaction is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Transaction {
    /// The partitions that were added, by topic.
    pub(super) partitions: BTreeMap<String, BTreeSet<i32>>,
    /// What the groups that were added are to hold once it is committed.
    pub(super) offsets: BTreeMap<String, Offsets>,
    /// Its time is counted from here; after a restart anew, for downtime is nobody's silence.
    #[serde(skip, default = "Instant::now")]
    pub(super) began: Instant,
}

impl Producer {
    /// A transactional id that is used for the first time.
    pub(super) fn new(id: &str, producer_id: i64, timeout: Duration) -> Self {
        let epoch = 0;
        Self {
            id: id.to_owned(),
            identity: Identity { producer_id, epoch },
            former: None,
            timeout_ms: millis(timeout),
            stage: Stage::Idle,
        }
    }

    /// Checks that the caller is the one who speaks for the id.
    pub(super) fn check(&self, caller: Identity) -> Result<(), ResponseError> {
        if caller.producer_id != self.identity.producer_id {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        if caller.epoch != self.identity.epoch {
            return Err(ResponseError::ProducerFenced);
        }
        Ok(())
    }

    /// Checks who wants a new identity: somebody new, the one who speaks for the id, or that one asking again.
    pub(super) fn check_claim(&self, claim: Option<Identity>) -> Result<(), ResponseError> {
        let known = [Some(self.identity), self.former];
        if claim.is_none() || known.contains(&claim) {
            return Ok(());
        }
        Err(ResponseError::ProducerFenced)
    }

    /// Whether a claim was met before.
    pub(super) fn has_met(&self, claim: Option<Identity>) -> bool {
        claim.is_some() && claim == self.former
    }

    /// Whether the producer id has no epoch left to give.
    pub(super) fn is_exhausted(&self) -> bool {
        self.identity.epoch >= LAST_EPOCH
    }

    /// Gives a new identity: the next epoch, or the first one of a `fresh` producer id.
    pub(super) fn renew(&mut self, claim: Option<Identity>, fresh: Option<i64>, timeout: Duration) {
        self.former = claim;
        self.identity = match fresh {
            Some(producer_id) => Identity {
                producer_id,
                epoch: 0,
            },
            None => self.next_epoch(),
        };
        self.timeout_ms = millis(timeout);
        self.stage = Stage::Idle;
    }

    fn next_epoch(&self) -> Identity {
        Identity {
            epoch: self.identity.epoch.saturating_add(1),
            ..self.identity
        }
    }

    /// Silences whoever speaks for the id, in an epoch that nobody is given, and aborts an open transaction.
    pub(super) fn fence(&mut self) {
        self.former = None;
        self.identity = self.next_epoch();
        if let Stage::Open(transaction) = &mut self.stage {
            let transaction = std::mem::take(transaction);
            self.stage = Stage::Ending(Ending::Abort, transaction);
        }
    }

    /// Adds partitions to the transaction, which this begins where none is open.
    pub(super) fn add_partitions(
        &mut self,
        added: &[(&str, i32)],
        now: Instant,
    ) -> Result<(), ResponseError> {
        let transaction = self.open(now)?;
        for (topic, index) in added {
            let partitions = transaction.partitions.entry((*topic).to_owned());
            partitions.or_default().insert(*index);
        }
        Ok(())
    }

    /// Adds a group to the transaction, which this begins where none is open. The group need not exist.
    pub(super) fn add_group(&mut self, group: &str, now: Instant) -> Result<(), ResponseError> {
        let transaction = self.open(now)?;
        transaction.offsets.entry(group.to_owned()).or_default();
        Ok(())
    }

    /// Keeps what a group that was added is to hold once the transaction is committed.
    pub(super) fn add_offsets(
        &mut self,
        group: &str,
        commits: Vec<OffsetCommit>,
    ) -> Result<(), ResponseError> {
        let Stage::Open(transaction) = &mut self.stage else {
            return Err(ResponseError::InvalidTxnState);
        };
        let offsets = transaction.offsets.get_mut(group);
        let offsets = offsets.ok_or(ResponseError::InvalidTxnState)?;
        commits.into_iter().for_each(|commit| offsets.put(commit));
        Ok(())
    }

    /// Whether nobody knows yet if the offset of a group in a partition will be another.
    pub(super) fn may_move(&self, group: &str, topic: &str, index: i32) -> bool {
        let (Stage::Open(transaction) | Stage::Ending(_, transaction)) = &self.stage else {
            return false;
        };
        let offsets = transaction.offsets.get(group);
        offsets.is_some_and(|offsets| offsets.get(topic, index).is_some())
    }

    /// Nobody is told `CONCURRENT_TRANSACTIONS` by this: an end that was begun is finished before the next call.
    fn open(&mut self, now: Instant) -> Result<&mut Transaction, ResponseError> {
        if matches!(self.stage, Stage::Idle | Stage::Ended(_)) {
            self.stage = Stage::Open(Transaction {
                began: now,
                ..Transaction::default()
            });
        }
        match &mut self.stage {
            Stage::Open(transaction) => Ok(transaction),
            _ => Err(ResponseError::ConcurrentTransactions),
        }
    }

    /// Decides how the transaction ends. Said again it changes nothing.
    pub(super) fn end(&mut self, ending: Ending) -> Result<(), ResponseError> {
        match &mut self.stage {
            Stage::Open(transaction) => {
                let transaction = std::mem::take(transaction);
                self.stage = Stage::Ending(ending, transaction);
                Ok(())
            }
            Stage::Ended(done) | Stage::Ending(done, _) if *done == ending => Ok(()),
            _ => Err(ResponseError::InvalidTxnState),
        }
    }

    /// Whether the transaction takes records for a partition from somebody.
    pub(super) fn check_append(
        &self,
        writer: Identity,
        topic: &str,
        index: i32,
    ) -> Result<(), ResponseError> {
        if writer != self.identity {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        match &self.stage {
            Stage::Open(transaction) if transaction.has(topic, index) => Ok(()),
            _ => Err(ResponseError::InvalidTxnState),
        }
    }

    /// Whether a transaction has been open for too long.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let timeout = Duration::from_millis(self.timeout_ms);
        match &self.stage {
            Stage::Open(transaction) => now.saturating_duration_since(transaction.began) >= timeout,
            _ => false,
        }
    }

    /// What is open, or has not ended everywhere.
    pub(super) fn transaction_mut(&mut self) -> Option<&mut Transaction> {
        match &mut self.stage {
            Stage::Open(transaction) | Stage::Ending(_, transaction) => Some(transaction),
            Stage::Idle | Stage::Ended(_) => None,
        }
    }
}

impl Transaction {
    /// Every partition that was added.
    pub(super) fn partitions(&self) -> Vec<(String, i32)> {
        let of_topic = |(topic, indexes): (&String, &BTreeSet<i32>)| {
            let topic = topic.clone();
            let partition = move |index: &i32| (topic.clone(), *index);
            indexes.iter().map(partition).collect::<Vec<_>>()
        };
        self.partitions.iter().flat_map(of_topic).collect()
    }

    /// Takes a partition out.
    pub(super) fn remove(&mut self, topic: &str, index: i32) {
        if let Some(indexes) = self.partitions.get_mut(topic) {
            indexes.remove(&index);
        }
    }

    fn has(&self, topic: &str, index: i32) -> bool {
        let partitions = self.partitions.get(topic);
        partitions.is_some_and(|partitions| partitions.contains(&index))
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self {
            partitions: BTreeMap::new(),
            offsets: BTreeMap::new(),
            began: Instant::now(),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
