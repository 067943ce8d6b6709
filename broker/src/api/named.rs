//! Tells which topics, partitions, groups and transactional ids a request names, for the fault rules and the journal.

use kafka_protocol::messages as kafka;
use kafka_protocol::messages::{GroupId, TopicName, TransactionalId};
use kafka_protocol::protocol::StrBytes;

use super::{Context, config_resource, find_coordinator};
use crate::topics::Topic;

/// What a request is about. Names are shared with the request and not copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Topics with the partitions named of each; a topic that is unknown and named by its id is left out.
    pub(crate) topics: Vec<(TopicName, Vec<i32>)>,
    /// Consumer groups.
    pub(crate) groups: Vec<StrBytes>,
    /// Transactional ids.
    pub(crate) transactional_ids: Vec<StrBytes>,
    /// The member of the group that it speaks for; empty when it speaks for none, or for one that has no id yet.
    pub(crate) member: StrBytes,
    /// The offsets to be committed: one for each partition, in the order of `topics`.
    pub(crate) offsets: Vec<i64>,
}

impl Named {
    /// How many topics and partitions.
    pub(crate) fn size(&self) -> usize {
        let partitions = self.topics.iter().map(|(_, partitions)| partitions.len());
        self.topics.len() + partitions.sum::<usize>() + self.offsets.len()
    }

    /// The same with names of its own. Those of a request are parts of its frame, which may be a megabyte of records: who
    /// keeps a name keeps all of that.
    pub(crate) fn detached(self) -> Self {
        let topic = |(name, partitions): (TopicName, _)| (TopicName(detach(&name)), partitions);
        Self {
            topics: self.topics.into_iter().map(topic).collect(),
            groups: self.groups.iter().map(detach).collect(),
            transactional_ids: self.transactional_ids.iter().map(detach).collect(),
            member: detach(&self.member),
            offsets: self.offsets,
        }
    }

    fn group(id: &GroupId) -> Self {
        Self {
            groups: vec![id.0.clone()],
            ..Self::default()
        }
    }

    fn topics(topics: impl Iterator<Item = (TopicName, Vec<i32>)>) -> Self {
        Self {
            topics: topics.collect(),
            ..Self::default()
        }
    }

    fn transactional_id(id: &TransactionalId) -> Self {
        Self::default().and_id(Some(id))
    }

    fn and_member(mut self, id: &StrBytes) -> Self {
        self.member = id.clone();
        self
    }

    fn and_id(mut self, id: Option<&TransactionalId>) -> Self {
        self.transactional_ids.extend(id.map(|id| id.0.clone()));
        self
    }

    fn and_topics(mut self, topics: impl Iterator<Item = (TopicName, Vec<i32>)>) -> Self {
        self.topics.extend(topics);
        self
    }
}

/// A text in memory of its own.
pub(crate) fn detach(text: &StrBytes) -> StrBytes {
    StrBytes::from_string(text.to_string())
}

/// A request that may name something.
pub(super) trait Names {
    /// What it names. The state is only locked for requests that name topics by their ids, or all of them.
    fn named(&self, _: &Context) -> Named {
        Named::default()
    }
}

/// Requests that name nothing that rules are about.
macro_rules! name_nothing {
    ($($request:ident)*) => { $(impl Names for kafka::$request {})* };
}

name_nothing! {
    ApiVersionsRequest DeleteAclsRequest DescribeAclsRequest DescribeClusterRequest ListGroupsRequest
}

/// Requests of one member of a group.
macro_rules! name_a_member {
    ($($request:ident)*) => {
        $(impl Names for kafka::$request {
            fn named(&self, _: &Context) -> Named {
                Named::group(&self.group_id).and_member(&self.member_id)
            }
        })*
    };
}

name_a_member! { HeartbeatRequest JoinGroupRequest LeaveGroupRequest SyncGroupRequest }

/// Requests whose topics are named `$topic` and have `$partitions` with a number each, called `$index`.
macro_rules! name_partitions {
    ($($request:ident { $topics:ident: $topic:ident { $partitions:ident: $index:ident } })*) => {
        $(impl Names for kafka::$request {
            fn named(&self, _: &Context) -> Named {
                Named::topics(self.$topics.iter().map(|topic| {
                    let partitions = topic.$partitions.iter().map(|at| at.$index);
                    (topic.$topic.clone(), partitions.collect())
                }))
            }
        })*
    };
}

name_partitions! {
    ListOffsetsRequest { topics: name { partitions: partition_index } }
    OffsetForLeaderEpochRequest { topics: topic { partitions: partition } }
    DeleteRecordsRequest { topics: name { partitions: partition_index } }
}

/// Requests about whole topics.
macro_rules! name_topics {
    ($($request:ident { $topics:ident: $topic:ident })*) => {
        $(impl Names for kafka::$request {
            fn named(&self, _: &Context) -> Named {
                Named::topics(self.$topics.iter().map(|topic| (topic.$topic.clone(), Vec::new())))
            }
        })*
    };
}

name_topics! {
    CreateTopicsRequest { topics: name }
    CreatePartitionsRequest { topics: name }
}

/// Requests about the configuration of topics and brokers.
macro_rules! name_resources {
    ($($request:ident)*) => {
        $(impl Names for kafka::$request {
            fn named(&self, _: &Context) -> Named {
                let topics = self.resources.iter().filter(|it| it.resource_type == config_resource::TOPIC);
                Named::topics(topics.map(|it| (TopicName(it.resource_name.clone()), Vec::new())))
            }
        })*
    };
}

impl Names for kafka::ProduceRequest {
    fn named(&self, _: &Context) -> Named {
        let topics = self.topic_data.iter().map(|topic| {
            let partitions = topic.partition_data.iter().map(|at| at.index);
            (topic.name.clone(), partitions.collect())
        });
        Named::topics(topics).and_id(self.transactional_id.as_ref())
    }
}

impl Names for kafka::InitProducerIdRequest {
    fn named(&self, _: &Context) -> Named {
        Named::default().and_id(self.transactional_id.as_ref())
    }
}

impl Names for kafka::AddOffsetsToTxnRequest {
    fn named(&self, _: &Context) -> Named {
        Named::group(&self.group_id).and_id(Some(&self.transactional_id))
    }
}

impl Names for kafka::EndTxnRequest {
    fn named(&self, _: &Context) -> Named {
        Named::transactional_id(&self.transactional_id)
    }
}

impl Names for kafka::CreateAclsRequest {
    fn named(&self, _: &Context) -> Named {
        let about = self.creations.iter();
        let topics = about.filter(|it| it.resource_type == config_resource::TOPIC);
        Named::topics(topics.map(|it| (TopicName(it.resource_name.clone()), Vec::new())))
    }
}

name_resources! { AlterConfigsRequest DescribeConfigsRequest IncrementalAlterConfigsRequest }

impl Names for kafka::FetchRequest {
    fn named(&self, cx: &Context) -> Named {
        let by_id = self.topics.iter().any(|topic| !topic.topic_id.is_nil());
        let state = by_id.then(|| cx.state());
        Named::topics(self.topics.iter().filter_map(|topic| {
            let name = match &state {
                Some(state) => state.topics.by_id(topic.topic_id)?.name.clone(),
                None => topic.topic.clone(),
            };
            let partitions = topic.partitions.iter().map(|at| at.partition);
            Some((name, partitions.collect()))
        }))
    }
}

impl Names for kafka::MetadataRequest {
    fn named(&self, cx: &Context) -> Named {
        let state = cx.state();
        let Some(asked) = &self.topics else {
            return Named::topics(state.topics.iter().map(whole));
        };
        Named::topics(asked.iter().filter_map(|asked| {
            let found = match &asked.name {
                Some(name) => state.topics.get(name),
                None => state.topics.by_id(asked.topic_id),
            };
            let unknown = || asked.name.clone().map(|name| (name, Vec::new()));
            found.map(whole).or_else(unknown)
        }))
    }
}

fn whole(topic: &Topic) -> (TopicName, Vec<i32>) {
    let partitions = (0..).zip(&topic.partitions).map(|(index, _)| index);
    (topic.name.clone(), partitions.collect())
}

impl Names for kafka::DeleteTopicsRequest {
    fn named(&self, cx: &Context) -> Named {
        let by_name = self.topic_names.iter().cloned();
        let listed = self.topics.iter().filter_map(|topic| {
            let by_id = || Some(cx.state().topics.by_id(topic.topic_id)?.name.clone());
            topic.name.clone().or_else(by_id)
        });
        Named::topics(by_name.chain(listed).map(|name| (name, Vec::new())))
    }
}

/// Names the partitions of a request that commits offsets, and the offsets.
macro_rules! commits {
    ($request:ident) => {{
        let topics = $request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|at| at.partition_index);
            (topic.name.clone(), partitions.collect())
        });
        let partitions = $request.topics.iter().flat_map(|topic| &topic.partitions);
        Named {
            offsets: partitions.map(|at| at.committed_offset).collect(),
            ..Named::group(&$request.group_id)
                .and_member(&$request.member_id)
                .and_topics(topics)
        }
    }};
}

impl Names for kafka::OffsetCommitRequest {
    fn named(&self, _: &Context) -> Named {
        commits!(self)
    }
}

impl Names for kafka::TxnOffsetCommitRequest {
    fn named(&self, _: &Context) -> Named {
        commits!(self).and_id(Some(&self.transactional_id))
    }
}

impl Names for kafka::AddPartitionsToTxnRequest {
    fn named(&self, _: &Context) -> Named {
        let topics = self.v3_and_below_topics.iter();
        let id = &self.v3_and_below_transactional_id;
        Named::transactional_id(id)
            .and_topics(topics.map(|topic| (topic.name.clone(), topic.partitions.clone())))
    }
}

impl Names for kafka::OffsetFetchRequest {
    fn named(&self, _: &Context) -> Named {
        let batched = self
            .groups
            .iter()
            .flat_map(|group| group.topics.iter().flatten());
        let batched = batched.map(|topic| (topic.name.clone(), topic.partition_indexes.clone()));
        let alone = self.topics.iter().flatten();
        let alone = alone.map(|topic| (topic.name.clone(), topic.partition_indexes.clone()));
        let groups = self.groups.iter().map(|group| group.group_id.0.clone());
        let only = Some(self.group_id.0.clone()).filter(|_| self.groups.is_empty());
        Named {
            groups: groups.chain(only).collect(),
            ..Named::topics(alone.chain(batched))
        }
    }
}

impl Names for kafka::OffsetDeleteRequest {
    fn named(&self, _: &Context) -> Named {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|at| at.partition_index);
            (topic.name.clone(), partitions.collect())
        });
        Named::group(&self.group_id).and_topics(topics)
    }
}

impl Names for kafka::FindCoordinatorRequest {
    fn named(&self, _: &Context) -> Named {
        let only = Some(self.key.clone()).filter(|_| self.coordinator_keys.is_empty());
        let keys = self.coordinator_keys.iter().cloned().chain(only).collect();
        let named = Named::default();
        match self.key_type {
            find_coordinator::TRANSACTION => Named {
                transactional_ids: keys,
                ..named
            },
            _ => Named {
                groups: keys,
                ..named
            },
        }
    }
}

impl Names for kafka::DescribeGroupsRequest {
    fn named(&self, _: &Context) -> Named {
        Named {
            groups: self.groups.iter().map(|id| id.0.clone()).collect(),
            ..Named::default()
        }
    }
}

impl Names for kafka::DeleteGroupsRequest {
    fn named(&self, _: &Context) -> Named {
        Named {
            groups: self.groups_names.iter().map(|id| id.0.clone()).collect(),
            ..Named::default()
        }
    }
}
