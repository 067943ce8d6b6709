//! Lists what may happen to requests in a soak: on which cluster, to which API, what.

use std::time::Duration;

use kmirror_broker::{Api, ErrorCode, Fault, Rule};

use super::Side;

/// What a rule does to a request.
pub type Act = fn(Rule) -> Fault;

/// What may happen to requests: on which cluster, to which API, how it is called.
pub const RULES: &[(Side, Api, &str, Act)] = &[
    (
        Side::Target,
        Api::Produce,
        "produce dropped after append",
        |rule| rule.drop_after(),
    ),
    (
        Side::Target,
        Api::Produce,
        "produce half answered",
        |rule| rule.half_response(),
    ),
    (
        Side::Target,
        Api::Produce,
        "produce answered late",
        |rule| rule.delay_after(Duration::from_millis(400)),
    ),
    (Side::Target, Api::Produce, "produce to no leader", |rule| {
        rule.fail(ErrorCode::NotLeaderOrFollower)
    }),
    (Side::Target, Api::Produce, "too few replicas", |rule| {
        rule.fail(ErrorCode::NotEnoughReplicas)
    }),
    (
        Side::Target,
        Api::Produce,
        "produce timed out after append",
        |rule| rule.fail_after(ErrorCode::RequestTimedOut),
    ),
    (Side::Source, Api::Fetch, "fetch dropped", |rule| {
        rule.drop_before()
    }),
    (Side::Source, Api::Fetch, "fetch half answered", |rule| {
        rule.half_response()
    }),
    (Side::Source, Api::Fetch, "fetch from no leader", |rule| {
        rule.fail(ErrorCode::NotLeaderOrFollower)
    }),
    (Side::Source, Api::Fetch, "fetch answered slowly", |rule| {
        rule.trickle(20_000)
    }),
    (
        Side::Source,
        Api::OffsetCommit,
        "commit dropped after it was taken",
        |rule| rule.drop_after(),
    ),
    (
        Side::Source,
        Api::OffsetCommit,
        "commit of an old generation",
        |rule| rule.fail(ErrorCode::IllegalGeneration),
    ),
    (
        Side::Source,
        Api::OffsetCommit,
        "commit while loading",
        |rule| rule.fail(ErrorCode::CoordinatorLoadInProgress),
    ),
    (
        Side::Source,
        Api::OffsetCommit,
        "commit to no coordinator",
        |rule| rule.fail(ErrorCode::NotCoordinator),
    ),
    (
        Side::Source,
        Api::Heartbeat,
        "heartbeat of nobody",
        |rule| rule.fail(ErrorCode::UnknownMemberId),
    ),
    (Side::Source, Api::JoinGroup, "join dropped", |rule| {
        rule.drop_after()
    }),
    (
        Side::Source,
        Api::Metadata,
        "source metadata dropped",
        |rule| rule.drop_before(),
    ),
    (
        Side::Target,
        Api::Metadata,
        "target metadata dropped",
        |rule| rule.drop_before(),
    ),
    (
        Side::Target,
        Api::Produce,
        "produce never answered",
        |rule| rule.hang(),
    ),
    (
        Side::Target,
        Api::Produce,
        "produce answered by noise",
        |rule| rule.garbage(),
    ),
    (Side::Target, Api::Produce, "produce throttled", |rule| {
        rule.throttle(Duration::from_millis(500))
    }),
    // Of a client that dies or gives up meanwhile, too.
    (
        Side::Target,
        Api::Produce,
        "produce carried out late",
        |rule| rule.hold_before_even_if_gone(),
    ),
    // What is on the target is read to begin: the maps, and the copy behind them.
    (Side::Target, Api::Fetch, "target fetch dropped", |rule| {
        rule.drop_before()
    }),
    (
        Side::Target,
        Api::Fetch,
        "target fetch half answered",
        |rule| rule.half_response(),
    ),
    (
        Side::Target,
        Api::Fetch,
        "target fetch from no leader",
        |rule| rule.fail(ErrorCode::NotLeaderOrFollower),
    ),
    (
        Side::Target,
        Api::ListOffsets,
        "target end not told",
        |rule| rule.drop_before(),
    ),
    (Side::Source, Api::Fetch, "fetch never answered", |rule| {
        rule.hang()
    }),
    (
        Side::Source,
        Api::Fetch,
        "fetch answered by noise",
        |rule| rule.garbage(),
    ),
    (Side::Source, Api::Fetch, "fetch throttled", |rule| {
        rule.throttle(Duration::from_millis(500))
    }),
    (
        Side::Source,
        Api::OffsetCommit,
        "commit answered by noise",
        |rule| rule.garbage(),
    ),
    (
        Side::Source,
        Api::OffsetFetch,
        "position not told",
        |rule| rule.drop_before(),
    ),
    (
        Side::Source,
        Api::Heartbeat,
        "heartbeat never answered",
        |rule| rule.hang(),
    ),
    (
        Side::Source,
        Api::JoinGroup,
        "join never answered",
        |rule| rule.hang(),
    ),
    (
        Side::Source,
        Api::SyncGroup,
        "sync never answered",
        |rule| rule.hang(),
    ),
];
