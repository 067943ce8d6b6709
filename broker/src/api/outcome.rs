//! Looks into responses before they are encoded: for their first error, and to put a throttle time in.

use kafka_protocol::messages as kafka;

use super::Answer;
use super::fetch_response::FetchAnswer;

/// What every response has somewhere.
pub(super) trait Outcome {
    /// The first error, of whatever depth; `None` when all went well or nothing is answered.
    fn first_error(&self) -> Option<i16>;

    /// Tells the client how long it is throttled, in milliseconds. Versions that have no field for it leave it out.
    fn throttle(&mut self, ms: i32);
}

fn first(mut codes: impl Iterator<Item = i16>) -> Option<i16> {
    codes.find(|code| *code != 0)
}

/// Responses with the path to their errors, as an iterator of codes.
macro_rules! outcomes {
    ($($response:ident: |$it:ident| $codes:expr;)*) => {
        $(impl Outcome for kafka::$response {
            fn first_error(&self) -> Option<i16> {
                let $it = self;
                first($codes)
            }

            fn throttle(&mut self, ms: i32) {
                self.throttle_time_ms = ms;
            }
        })*
    };
}

outcomes! {
    ProduceResponse: |it| it.responses.iter().flat_map(|topic| topic.partition_responses.iter().map(|at| at.error_code));
    ListOffsetsResponse: |it| it.topics.iter().flat_map(|topic| topic.partitions.iter().map(|at| at.error_code));
    MetadataResponse: |it| it.topics.iter().flat_map(|topic| {
        std::iter::once(topic.error_code).chain(topic.partitions.iter().map(|at| at.error_code))
    });
    OffsetCommitResponse: |it| it.topics.iter().flat_map(|topic| topic.partitions.iter().map(|at| at.error_code));
    OffsetFetchResponse: |it| std::iter::once(it.error_code)
        .chain(it.topics.iter().flat_map(|topic| topic.partitions.iter().map(|at| at.error_code)))
        .chain(it.groups.iter().flat_map(|group| {
            let topics = group.topics.iter();
            let partitions = topics.flat_map(|topic| topic.partitions.iter().map(|at| at.error_code));
            std::iter::once(group.error_code).chain(partitions)
        }));
    FindCoordinatorResponse: |it| std::iter::once(it.error_code).chain(it.coordinators.iter().map(|at| at.error_code));
    JoinGroupResponse: |it| std::iter::once(it.error_code);
    HeartbeatResponse: |it| std::iter::once(it.error_code);
    LeaveGroupResponse: |it| std::iter::once(it.error_code).chain(it.members.iter().map(|member| member.error_code));
    SyncGroupResponse: |it| std::iter::once(it.error_code);
    DescribeGroupsResponse: |it| it.groups.iter().map(|group| group.error_code);
    ListGroupsResponse: |it| std::iter::once(it.error_code);
    ApiVersionsResponse: |it| std::iter::once(it.error_code);
    CreateTopicsResponse: |it| it.topics.iter().map(|topic| topic.error_code);
    DeleteTopicsResponse: |it| it.responses.iter().map(|topic| topic.error_code);
    DeleteRecordsResponse: |it| it.topics.iter().flat_map(|topic| topic.partitions.iter().map(|at| at.error_code));
    InitProducerIdResponse: |it| std::iter::once(it.error_code);
    OffsetForLeaderEpochResponse: |it| it.topics.iter().flat_map(|topic| topic.partitions.iter().map(|at| at.error_code));
    AddPartitionsToTxnResponse: |it| it.results_by_topic_v3_and_below.iter().flat_map(|topic| {
        topic.results_by_partition.iter().map(|at| at.partition_error_code)
    });
    AddOffsetsToTxnResponse: |it| std::iter::once(it.error_code);
    EndTxnResponse: |it| std::iter::once(it.error_code);
    TxnOffsetCommitResponse: |it| it.topics.iter().flat_map(|topic| topic.partitions.iter().map(|at| at.error_code));
    DescribeAclsResponse: |it| std::iter::once(it.error_code);
    CreateAclsResponse: |it| it.results.iter().map(|result| result.error_code);
    DeleteAclsResponse: |it| it.filter_results.iter().map(|result| result.error_code);
    DescribeConfigsResponse: |it| it.results.iter().map(|result| result.error_code);
    AlterConfigsResponse: |it| it.responses.iter().map(|result| result.error_code);
    CreatePartitionsResponse: |it| it.results.iter().map(|result| result.error_code);
    DeleteGroupsResponse: |it| it.results.iter().map(|result| result.error_code);
    IncrementalAlterConfigsResponse: |it| it.responses.iter().map(|result| result.error_code);
    OffsetDeleteResponse: |it| std::iter::once(it.error_code)
        .chain(it.topics.iter().flat_map(|topic| topic.partitions.iter().map(|at| at.error_code)));
    DescribeClusterResponse: |it| std::iter::once(it.error_code);
}

impl Outcome for FetchAnswer {
    fn first_error(&self) -> Option<i16> {
        first(self.errors())
    }

    fn throttle(&mut self, ms: i32) {
        self.throttle_time_ms = ms;
    }
}

impl<R: Outcome> Outcome for Answer<R> {
    fn first_error(&self) -> Option<i16> {
        match self {
            Self::Respond(response) => response.first_error(),
            Self::Silence | Self::Close => None,
        }
    }

    fn throttle(&mut self, ms: i32) {
        if let Self::Respond(response) = self {
            response.throttle(ms);
        }
    }
}
