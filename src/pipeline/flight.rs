//! Accounts for what one partition has sent: what became of it, and what that means for the position.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode;
use tokio::time::Instant;

use super::caution::{Careful, Caution};
use super::lane::Trouble;
use super::others::Others;
use crate::board::{Seat, TopicBoard, now_ms};
use crate::budget::{Permit, RECORD_OVERHEAD};
use crate::config::OnRejected;
use crate::librdkafka::message::{Kind, Messages, Record};
use crate::metrics::{Skipped, Stage};
use crate::offset::{LeaderEpoch, SourceOffset, TargetOffset};
use crate::offset_map::{SharedMap, Witness};
use crate::prefix::{AckedPrefix, Sequence};
use crate::status::State;
use crate::target::{Ack, Fence};

/// Most bytes of one batch, unless it is one record.
const BATCH_BYTES: u64 = 1 << 20;

/// How long a producer is surely remembered after an acknowledgement: far less than `producer.id.expiration.ms`, a day
/// unless a broker is told otherwise.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Consecutive records, read and not sent yet.
pub struct Batch {
    /// The records.
    pub messages: Messages,
    /// What they take of the budget.
    pub bytes: u64,
    /// Whether nothing else of the partition may be in flight with them.
    alone: bool,
}

impl Batch {
    /// Cuts records off the front of what was read: as many as fit a batch, none behind an event or below `floor`, and one
    /// that has to fly alone by itself. Empty when the first is below `floor`.
    fn cut(read: &mut Messages, mut floor: SourceOffset, careful: &Careful) -> Self {
        let cramped = careful.cramped_to();
        let most = cramped.unwrap_or(BATCH_BYTES).min(BATCH_BYTES);
        let (mut bytes, mut count, mut alone) = (0, 0, cramped.is_some());
        for record in read
            .iter()
            .take_while(|record| record.kind() == Kind::Record)
        {
            let size = record.size() as u64 + RECORD_OVERHEAD;
            let solitary = careful.alone(&record);
            let offset = SourceOffset::new(record.offset());
            let is_full = count > 0 && (solitary || bytes + size > most);
            if is_full || offset < floor {
                break;
            }
            floor = offset.next();
            bytes += size;
            count += 1;
            if solitary {
                alone = true;
                break;
            }
        }
        let messages = read.split_front(count);
        Self {
            messages,
            bytes,
            alone,
        }
    }
}

/// What a batch holds until it is acknowledged.
pub struct Held {
    // Until the ack, not the send: the producer's own queue must count against the budget too.
    _permit: Permit,
    bytes: u64,
    /// Its last record.
    last: Option<Witness>,
}

/// The records of one partition between source and target.
pub struct Flight {
    prefix: AckedPrefix<Held>,
    /// Records sent whose fate is not known.
    unreported: u64,
    /// Whether what is in flight flies alone.
    alone: bool,
    /// When the target took something of this flight last, from its producer.
    taken: Option<Instant>,
    /// What the first record raises.
    fence: Option<Fence>,
    /// Whether the partition stood still before, and nothing shows yet that it goes on.
    recovering: bool,
    caution: Caution,
    seat: Arc<Seat>,
    topic: Arc<TopicBoard>,
    on_rejected: OnRejected,
    map: SharedMap,
    /// Whether others are expected to write the copy, too.
    is_shared: bool,
    others: Others,
}

impl Flight {
    /// Nothing sent yet; reading begins where the seat says. Where records come to stand goes into `map`, and `fence` is what
    /// the first of them raises.
    pub fn new(
        seat: Arc<Seat>,
        topic: Arc<TopicBoard>,
        caution: Caution,
        on_rejected: OnRejected,
        map: SharedMap,
        fence: Option<Fence>,
        is_shared: bool,
    ) -> Self {
        let stood_still = seat.standing().state != State::Starting;
        if !stood_still {
            seat.set_standing(State::Running, None);
        }
        Self {
            prefix: AckedPrefix::at(seat.position()),
            unreported: 0,
            alone: false,
            taken: None,
            fence,
            recovering: stood_still,
            caution,
            seat,
            topic,
            on_rejected,
            map,
            is_shared,
            others: Others::default(),
        }
    }

    /// The partition's place on the board.
    pub fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// The next source offset that is not acknowledged.
    pub fn position(&self) -> SourceOffset {
        self.prefix.position()
    }

    /// The next source offset to send.
    pub fn sent_to(&self) -> SourceOffset {
        self.prefix.sent_to()
    }

    /// The place of the first record that is not acknowledged.
    pub fn acked(&self) -> Sequence {
        self.prefix.acked_places()
    }

    /// Whether the fate of everything sent is known.
    pub fn is_settled(&self) -> bool {
        self.unreported == 0
    }

    /// Cuts the next batch off what was read.
    ///
    /// # Errors
    ///
    /// When the first record was sent already: librdkafka went back, as a seek that comes late makes it.
    pub fn cut(&self, read: &mut Messages) -> Result<Batch, Trouble> {
        let at = self.sent_to();
        let is_stranger = self.taken.is_none_or(|taken| taken.elapsed() > REMEMBERED);
        let batch = Batch::cut(read, at, &self.caution.now(is_stranger));
        match batch.messages.is_empty() {
            true => Err(Trouble::ReadAgain { at }),
            false => Ok(batch),
        }
    }

    /// Whether a batch may be sent now, or has to wait for what is in flight.
    pub fn admits(&self, batch: &Batch) -> bool {
        self.is_settled() || !(self.alone || batch.alone)
    }

    /// Whether the partition stood still and has not shown yet that it goes on.
    pub fn is_recovering(&self) -> bool {
        self.recovering
    }

    /// Notes that the partition goes on.
    pub fn recovered(&mut self) {
        if std::mem::take(&mut self.recovering) && self.seat.set_standing(State::Running, None) {
            tracing::info!(position = self.position().get(), "partition goes on");
        }
    }

    /// Takes a batch in that is being sent; returns the place of its first record.
    pub fn send(&mut self, batch: &Batch, permit: Permit) -> Sequence {
        let records = batch.messages.len() as u64;
        let first = batch.messages.iter().next();
        let timestamp = first.map_or(-1, |record| record.timestamp());
        let last = batch.messages.iter().last();
        let epoch = last.and_then(|record| LeaderEpoch::known(record.leader_epoch()));
        self.seat.see_epoch(epoch);
        let offsets = batch.messages.iter();
        let offsets = offsets.map(|record| SourceOffset::new(record.offset()));
        let held = Held {
            _permit: permit,
            bytes: batch.bytes - records * RECORD_OVERHEAD,
            last: last.map(|record| witness(&record)),
        };
        let places = self.prefix.send(offsets, timestamp, held);
        self.unreported += records;
        self.alone = batch.alone;
        self.show();
        places.start
    }

    /// Notes that everything before `position` was read, and that what of it was not sent is no record.
    pub fn reach(&mut self, position: SourceOffset) {
        if position > self.sent_to() {
            // What lies there may be of a newer epoch than the last record, and tells none.
            self.seat.see_epoch(None);
        }
        self.prefix.reach(position);
        self.seat.see_source_end(position);
        self.show();
    }

    /// Takes an acknowledgement in.
    ///
    /// # Errors
    ///
    /// When records were not written and may not be passed over (I9).
    pub fn acknowledge(&mut self, ack: Ack) -> Result<(), Trouble> {
        let records = ack.places.end - ack.places.start;
        self.unreported = self.unreported.saturating_sub(records);
        match ack.outcome {
            Ok(first) if first < TargetOffset::new(0) => {
                let at = self.offset_at(ack.places.start);
                return Err(Trouble::NotTold { at });
            }
            Ok(first) if self.seat.has_target_end_beyond(first) => {
                let at = self.offset_at(ack.places.start);
                return Err(Trouble::Misled { at });
            }
            Ok(first) if self.met_others(first) => {
                let at = self.offset_at(ack.places.start);
                self.notice_others(first);
                return Err(Trouble::Overtaken { at });
            }
            Ok(first) => {
                self.notice_others(first);
                self.seat.metrics.mirrored_records.inc_by(records);
                self.seat.see_target_end(first.plus(records));
                self.see_taken();
                self.recovered();
            }
            Err(code) => self.pass_over(ack.places.start, records, code)?,
        }
        let (now, seat) = (now_ms(), &self.seat);
        let latency = &self.topic.metrics().replication_latency;
        let epoch = seat.reading_position().epoch;
        let mut last = None;
        self.prefix.acknowledge(
            ack.places,
            ack.outcome.ok(),
            |run| self.map.lock().record(run, epoch),
            |held: Held, timestamp| {
                seat.metrics.mirrored_bytes.inc_by(held.bytes);
                last = held.last.or(last);
                if timestamp >= 0 {
                    latency.observe((now - timestamp).max(0) as f64 / 1000.0);
                }
            },
        );
        self.show();
        if let Some(last) = last {
            self.map.lock().see(last);
        }
        Ok(())
    }

    /// Whether what raised the fence came to stand behind writes of others: how many of the records they are is to be looked
    /// at before more is written.
    fn met_others(&self, first: TargetOffset) -> bool {
        let is_done = self.fence.as_ref().is_some_and(Fence::is_done);
        let expected = self.seat.target_end();
        is_done && expected.is_some_and(|expected| expected != first)
    }

    /// What raised the fence was written under another producer's name: the target knows nothing of ours by that.
    fn see_taken(&mut self) {
        match self.fence.as_ref().map(Fence::is_done) {
            None => self.taken = Some(Instant::now()),
            Some(true) => self.fence = None,
            Some(false) => {}
        }
    }

    /// Tells when somebody else writes a copy that should be this mirror's alone, such as a process that died and whose last
    /// write a broker had held back.
    fn notice_others(&mut self, first: TargetOffset) {
        let expected = self.seat.target_end();
        if self.is_shared || expected.is_none_or(|expected| expected == first) {
            return;
        }
        let Some(times_before) = self.others.seen(Instant::now()) else {
            return;
        };
        self.topic.metrics().error(Stage::Offsets, "Foreign");
        tracing::warn!(
            offset = first.get(),
            expected = expected.map(TargetOffset::get),
            times_before,
            "somebody else writes the copy: records may stand there twice"
        );
    }

    /// Decides whether records that were not written are skipped.
    fn pass_over(
        &self,
        first: Sequence,
        records: u64,
        code: RDKafkaErrorCode,
    ) -> Result<(), Trouble> {
        let at = self.offset_at(first);
        if code == RDKafkaErrorCode::InvalidProducerEpoch {
            return Err(Trouble::Overtaken { at });
        }
        if !is_final(code) {
            return Err(Trouble::NotWritten { at, code });
        }
        // Of several records that were refused together, it is not known which one was the cause.
        if records > 1 || code == RDKafkaErrorCode::InvalidDifferentRecord {
            let through = self.prefix.sent_to();
            return Err(Trouble::RejectedTogether { at, through, code });
        }
        if self.on_rejected == OnRejected::Pause {
            return Err(Trouble::Rejected { at, code });
        }
        tracing::warn!(offset = at.get(), %code, "record skipped, the target refuses it");
        self.seat.metrics.skip(Skipped::Rejected, records);
        Ok(())
    }

    /// The source offset of the record at `place`; the position once its batch is settled.
    fn offset_at(&self, place: Sequence) -> SourceOffset {
        let offset = self.prefix.offset_at(place);
        offset.unwrap_or_else(|| self.prefix.position())
    }

    /// Puts position and flight on the board.
    fn show(&self) {
        self.map.lock().reach(self.prefix.position());
        self.seat.advance(
            self.prefix.position(),
            self.prefix.in_flight(),
            self.prefix.oldest_timestamp(),
        );
    }
}

/// By what the source's log is known again if this is the last record that was read of it.
pub fn witness(record: &Record<'_>) -> Witness {
    let offset = SourceOffset::new(record.offset());
    Witness::new(offset, record.timestamp(), record.key(), record.value())
}

/// Whether the target will refuse the record however often it is sent.
fn is_final(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::InvalidDifferentRecord
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::InvalidTimestamp
            | Code::InvalidRecord
            | Code::UnsupportedForMessageFormat
            | Code::UnsupportedCompressionType
            | Code::PolicyViolation
    )
}
