//! Draws the layout of every request that is answered, as Kafka's message definitions prescribe it.

use kafka_protocol::messages::ApiKey;

use super::shape::Field::{Array, Blob, Fixed, List, Text};
use super::shape::{Part, all, between, since, until};

const BOOL: Part = all(Fixed(1));
const UUID: usize = 16;

/// The layout of an API's request; neighbours of fixed size are drawn as one. Tagged fields are not drawn: their sizes
/// stand before them.
pub(super) fn shape_of(api: ApiKey) -> &'static [Part] {
    match api {
        ApiKey::Produce => PRODUCE,
        ApiKey::Fetch => FETCH,
        ApiKey::ListOffsets => LIST_OFFSETS,
        ApiKey::Metadata => METADATA,
        ApiKey::OffsetCommit => OFFSET_COMMIT,
        ApiKey::OffsetFetch => OFFSET_FETCH,
        ApiKey::FindCoordinator => FIND_COORDINATOR,
        ApiKey::JoinGroup => JOIN_GROUP,
        ApiKey::Heartbeat => HEARTBEAT,
        ApiKey::LeaveGroup => LEAVE_GROUP,
        ApiKey::SyncGroup => SYNC_GROUP,
        ApiKey::DescribeGroups => DESCRIBE_GROUPS,
        ApiKey::ListGroups => LIST_GROUPS,
        ApiKey::ApiVersions => API_VERSIONS,
        ApiKey::CreateTopics => CREATE_TOPICS,
        ApiKey::DeleteTopics => DELETE_TOPICS,
        ApiKey::DeleteRecords => DELETE_RECORDS,
        ApiKey::InitProducerId => INIT_PRODUCER_ID,
        ApiKey::OffsetForLeaderEpoch => OFFSET_FOR_LEADER_EPOCH,
        ApiKey::AddPartitionsToTxn => ADD_PARTITIONS_TO_TXN,
        ApiKey::AddOffsetsToTxn => ADD_OFFSETS_TO_TXN,
        ApiKey::EndTxn => END_TXN,
        ApiKey::TxnOffsetCommit => TXN_OFFSET_COMMIT,
        ApiKey::DescribeAcls => ACL_FILTER,
        ApiKey::CreateAcls => CREATE_ACLS,
        ApiKey::DeleteAcls => DELETE_ACLS,
        ApiKey::DescribeConfigs => DESCRIBE_CONFIGS,
        ApiKey::AlterConfigs => ALTER_CONFIGS,
        ApiKey::CreatePartitions => CREATE_PARTITIONS,
        ApiKey::DeleteGroups => DELETE_GROUPS,
        ApiKey::IncrementalAlterConfigs => INCREMENTAL_ALTER_CONFIGS,
        ApiKey::OffsetDelete => OFFSET_DELETE,
        ApiKey::DescribeCluster => DESCRIBE_CLUSTER,
        _ => &[],
    }
}

const PRODUCE: &[Part] = &[
    all(Text),
    all(Fixed(2 + 4)),
    all(Array(&[
        until(12, Text),
        all(Array(&[all(Fixed(4)), all(Blob)])),
    ])),
];

const LIST_OFFSETS: &[Part] = &[
    all(Fixed(4)),
    since(2, Fixed(1)),
    all(Array(&[
        all(Text),
        all(Array(&[all(Fixed(4)), since(4, Fixed(4)), all(Fixed(8))])),
    ])),
];

const METADATA: &[Part] = &[
    all(Array(&[since(10, Fixed(UUID)), all(Text)])),
    since(4, Fixed(1)),
    between(8, 10, Fixed(1)),
    since(8, Fixed(1)),
];

const OFFSET_FETCH: &[Part] = &[
    until(7, Text),
    until(7, Array(&[all(Text), all(List(&Fixed(4)))])),
    since(
        8,
        Array(&[
            all(Text),
            since(9, Text),
            since(9, Fixed(4)),
            all(Array(&[all(Text), all(List(&Fixed(4)))])),
        ]),
    ),
    since(7, Fixed(1)),
];

const FIND_COORDINATOR: &[Part] = &[until(3, Text), since(1, Fixed(1)), since(4, List(&Text))];

const JOIN_GROUP: &[Part] = &[
    all(Text),
    all(Fixed(4)),
    since(1, Fixed(4)),
    all(Text),
    since(5, Text),
    all(Text),
    all(Array(&[all(Text), all(Blob)])),
    since(8, Text),
];

const HEARTBEAT: &[Part] = &[all(Text), all(Fixed(4)), all(Text), since(3, Text)];

const LEAVE_GROUP: &[Part] = &[
    all(Text),
    until(2, Text),
    since(3, Array(&[all(Text), all(Text), since(5, Text)])),
];

const SYNC_GROUP: &[Part] = &[
    all(Text),
    all(Fixed(4)),
    all(Text),
    since(3, Text),
    since(5, Text),
    since(5, Text),
    all(Array(&[all(Text), all(Blob)])),
];

const DESCRIBE_GROUPS: &[Part] = &[all(List(&Text)), since(3, Fixed(1))];

const LIST_GROUPS: &[Part] = &[since(4, List(&Text)), since(5, List(&Text))];

const API_VERSIONS: &[Part] = &[since(3, Text), since(3, Text)];

const DELETE_TOPICS: &[Part] = &[
    since(6, Array(&[all(Text), all(Fixed(UUID))])),
    until(5, List(&Text)),
    all(Fixed(4)),
];

const DELETE_RECORDS: &[Part] = &[
    all(Array(&[all(Text), all(Array(&[all(Fixed(4 + 8))]))])),
    all(Fixed(4)),
];

const INIT_PRODUCER_ID: &[Part] = &[all(Text), all(Fixed(4)), since(3, Fixed(8 + 2))];

const OFFSET_FOR_LEADER_EPOCH: &[Part] = &[
    since(3, Fixed(4)),
    all(Array(&[all(Text), all(Array(&[all(Fixed(4 + 4 + 4))]))])),
];

const ADD_PARTITIONS_TO_TXN: &[Part] = &[
    all(Text),
    all(Fixed(8 + 2)),
    all(Array(&[all(Text), all(List(&Fixed(4)))])),
];

const ADD_OFFSETS_TO_TXN: &[Part] = &[all(Text), all(Fixed(8 + 2)), all(Text)];

const TXN_OFFSET_COMMIT: &[Part] = &[
    all(Text),
    all(Text),
    all(Fixed(8 + 2)),
    since(3, Fixed(4)),
    since(3, Text),
    since(3, Text),
    all(Array(&[
        all(Text),
        all(Array(&[all(Fixed(4 + 8)), since(2, Fixed(4)), all(Text)])),
    ])),
];

const END_TXN: &[Part] = &[all(Text), all(Fixed(8 + 2 + 1))];

const CREATE_ACLS: &[Part] = &[all(Array(&[
    all(Fixed(1)),
    all(Text),
    all(Fixed(1)),
    all(Text),
    all(Text),
    all(Fixed(2)),
]))];

const DELETE_ACLS: &[Part] = &[all(Array(ACL_FILTER))];

const DESCRIBE_CONFIGS: &[Part] = &[
    all(Array(&[all(Fixed(1)), all(Text), all(List(&Text))])),
    BOOL,
    since(3, Fixed(1)),
];

const ALTER_CONFIGS: &[Part] = &[
    all(Array(&[
        all(Fixed(1)),
        all(Text),
        all(Array(&[all(Text), all(Text)])),
    ])),
    BOOL,
];

const CREATE_PARTITIONS: &[Part] = &[
    all(Array(&[
        all(Text),
        all(Fixed(4)),
        all(Array(&[all(List(&Fixed(4)))])),
    ])),
    all(Fixed(4)),
    BOOL,
];

const DELETE_GROUPS: &[Part] = &[all(List(&Text))];

const INCREMENTAL_ALTER_CONFIGS: &[Part] = &[
    all(Array(&[
        all(Fixed(1)),
        all(Text),
        all(Array(&[all(Text), all(Fixed(1)), all(Text)])),
    ])),
    BOOL,
];

const OFFSET_DELETE: &[Part] = &[
    all(Text),
    all(Array(&[all(Text), all(Array(&[all(Fixed(4))]))])),
];

const DESCRIBE_CLUSTER: &[Part] = &[BOOL, since(1, Fixed(1))];

const FETCH: &[Part] = &[
    until(14, Fixed(4)),
    all(Fixed(4 + 4 + 4 + 1)),
    since(7, Fixed(4 + 4)),
    all(Array(&[
        until(12, Text),
        since(13, Fixed(UUID)),
        all(Array(&[
            all(Fixed(4)),
            since(9, Fixed(4)),
            all(Fixed(8)),
            since(12, Fixed(4)),
            since(5, Fixed(8)),
            all(Fixed(4)),
        ])),
    ])),
    since(
        7,
        Array(&[
            until(12, Text),
            since(13, Fixed(UUID)),
            all(List(&Fixed(4))),
        ]),
    ),
    since(11, Text),
];

const OFFSET_COMMIT: &[Part] = &[
    all(Text),
    all(Fixed(4)),
    all(Text),
    since(7, Text),
    between(2, 4, Fixed(8)),
    all(Array(&[
        all(Text),
        all(Array(&[all(Fixed(4 + 8)), since(6, Fixed(4)), all(Text)])),
    ])),
];

const CREATE_TOPICS: &[Part] = &[
    all(Array(&[
        all(Text),
        all(Fixed(4 + 2)),
        all(Array(&[all(Fixed(4)), all(List(&Fixed(4)))])),
        all(Array(&[all(Text), all(Text)])),
    ])),
    all(Fixed(4)),
    BOOL,
];

const ACL_FILTER: &[Part] = &[
    all(Fixed(1)),
    all(Text),
    all(Fixed(1)),
    all(Text),
    all(Text),
    all(Fixed(2)),
];
