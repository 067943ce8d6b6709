//! Reads from its topics how far a MirrorMaker 2 deployment had come, once for all partitions of a mirror.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::offset_sync::OffsetSync;
use super::progress::Progress;
use crate::clusters::stretches::{self, Stretch};
use crate::clusters::{Inspector, TopicPartition};
use crate::config::{self, Isolation, Mirror};
use crate::offset::{SourceOffset, TargetOffset};

/// Longest time for reading one of the topics.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// Key and value of a record.
type Pair = (Vec<u8>, Option<Vec<u8>>);

/// What was left of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The next offset to replicate, as MirrorMaker 2 last stored it: it may have written more.
    pub next: Option<SourceOffset>,
    /// Records that stand on both sides, ascending.
    pub syncs: Vec<(SourceOffset, TargetOffset)>,
}

/// What a deployment left behind. Cheap to clone.
#[derive(Clone)]
pub struct Legacy {
    inner: Arc<Inner>,
}

struct Inner {
    mirror: Arc<Mirror>,
    source: (Arc<config::Cluster>, Inspector),
    target: (Arc<config::Cluster>, Inspector),
    left: OnceCell<BTreeMap<TopicPartition, Left>>,
}

impl Legacy {
    /// Of the deployment that the mirror takes over from.
    pub fn new(
        mirror: Arc<Mirror>,
        source: (Arc<config::Cluster>, Inspector),
        target: (Arc<config::Cluster>, Inspector),
    ) -> Self {
        let left = OnceCell::new();
        let inner = Inner {
            mirror,
            source,
            target,
            left,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What was left of a partition; nothing where the deployment did not know it. Read once, when first asked.
    ///
    /// # Errors
    ///
    /// When a cluster does not answer, or the topic with the progress is not there.
    pub async fn of(&self, at: &TopicPartition) -> Result<Left, String> {
        let left = self
            .inner
            .left
            .get_or_try_init(|| self.inner.read())
            .await?;
        Ok(left.get(at).cloned().unwrap_or_default())
    }
}

impl Inner {
    async fn read(&self) -> Result<BTreeMap<TopicPartition, Left>, String> {
        let mut left: BTreeMap<TopicPartition, Left> = BTreeMap::new();
        let topic = self.mirror.import_offsets_topic();
        let progress = read_all(&self.target, &topic).await?.ok_or_else(|| {
            let cluster = &self.mirror.target;
            format!("cluster {cluster} has no topic {topic} with MirrorMaker 2's progress (import_from: mirrormaker2); name it with import_offsets_topic, or remove import_from")
        })?;
        for (key, value) in progress {
            let progress = Progress::read(&key, value.as_deref());
            if let Some(progress) = progress.filter(|one| one.cluster == self.mirror.source) {
                left.entry(progress.at).or_default().next = progress.next;
            }
        }
        let on_source = syncs_on_source(&self.mirror);
        let on_target = syncs_on_target(&self.mirror);
        for (cluster, topic) in [(&self.source, on_source), (&self.target, on_target)] {
            let syncs = read_all(cluster, &topic).await?.unwrap_or_default();
            for (key, value) in syncs {
                let value = value.unwrap_or_default();
                if let Some(sync) = OffsetSync::read(&key, &value) {
                    let syncs = &mut left.entry(sync.at).or_default().syncs;
                    // After a restart MirrorMaker 2 repeats: the later copies count, and all before them.
                    syncs.retain(|(source, target)| *source < sync.source && *target < sync.target);
                    syncs.push((sync.source, sync.target));
                }
            }
        }
        let partitions = left.len();
        tracing::info!(partitions, topic, "taking over from MirrorMaker 2");
        Ok(left)
    }
}

/// Where `offset-syncs.topic.location=source`, the default, puts offset syncs.
pub fn syncs_on_source(mirror: &Mirror) -> String {
    format!("mm2-offset-syncs.{}.internal", mirror.target)
}

/// Where `offset-syncs.topic.location=target` puts them.
pub fn syncs_on_target(mirror: &Mirror) -> String {
    format!("mm2-offset-syncs.{}.internal", mirror.source)
}

/// All records of a topic, each partition in order; `None` when it does not exist.
async fn read_all(
    (cluster, inspector): &(Arc<config::Cluster>, Inspector),
    topic: &str,
) -> Result<Option<Vec<Pair>>, String> {
    let words = |error: crate::clusters::Error| error.to_string();
    let topics = inspector.topics().await.map_err(words)?;
    let Some(found) = topics.iter().find(|found| found.name == topic) else {
        return Ok(None);
    };
    let count = i32::try_from(found.partitions).unwrap_or(i32::MAX);
    let partitions: Vec<_> = (0..count)
        .map(|one| TopicPartition::new(topic, one))
        .collect();
    let starts = inspector.log_starts(&partitions).await.map_err(words)?;
    let ends = inspector
        .ends_for(Isolation::ReadCommitted, &partitions)
        .await
        .map_err(words)?;
    let mut stretches = BTreeMap::new();
    for (start, end) in starts.into_iter().zip(ends) {
        let offset = |answer: Result<Option<i64>, _>| answer.map(Option::unwrap_or_default);
        let bounds = offset(start.offset).and_then(|from| Ok((from, offset(end.offset)?)));
        let (from, before) = bounds.map_err(|failure| format!("{}: {failure}", start.at))?;
        let stretch = Stretch {
            from,
            before,
            records: u64::MAX,
        };
        stretches.insert(start.at.partition, stretch);
    }
    let records = stretches::read(
        cluster,
        Isolation::ReadCommitted,
        topic,
        stretches,
        READ_WITHIN,
        |record| {
            let value = record.value().map(<[u8]>::to_vec);
            Some((record.key()?.to_vec(), value))
        },
    );
    let records = records.await?.into_values().flatten();
    Ok(Some(records.map(|(_, pair)| pair).collect()))
}
