//! Claims about planning, by table.

use std::sync::LazyLock;

use proptest::prelude::*;
use rdkafka::types::RDKafkaErrorCode;

use super::*;
use crate::config;
use crate::librdkafka::admin::Failure;

/// Everything at its default. Made once: compiling the patterns takes longer than most claims.
pub static DEFAULTS: LazyLock<Mirror> = LazyLock::new(|| mirror(""));

fn topic(name: &str, partitions: u32) -> TopicInfo {
    TopicInfo {
        name: name.to_owned(),
        partitions,
        id: None,
        leaderless: Vec::new(),
        error: None,
    }
}

pub fn mirror(extra: &str) -> Mirror {
    let text = format!(
        "clusters: {{ a: {{ bootstrap_servers: 'a:1' }}, b: {{ bootstrap_servers: 'b:1' }} }}\nmirrors: [{{ source: a, target: b{extra} }}]"
    );
    let config = config::parse(&text, &|_| None, std::path::Path::new("."));
    config
        .expect("the configuration is valid")
        .mirrors
        .remove(0)
}

fn create(partitions: u32) -> Action {
    Action::Create { partitions }
}

fn actions(mirror: &Mirror, source: &[TopicInfo], target: &[TopicInfo]) -> Vec<(String, Action)> {
    let plans = plan_topics(mirror, source, target).into_iter();
    plans
        .map(|plan| (plan.names.target_topic, plan.action))
        .collect()
}

#[test]
fn a_missing_copy_is_created_and_an_existing_one_mirrored() {
    let source = [topic("new", 4), topic("old", 4)];
    let target = [topic("a.old", 4)];
    assert_eq!(
        actions(&mirror(""), &source, &target),
        [
            ("a.new".to_owned(), create(4)),
            ("a.old".to_owned(), Action::Mirror)
        ]
    );
}

#[test]
fn only_selected_topics_are_planned() {
    let source = [
        topic("__consumer_offsets", 50),
        topic("orders", 1),
        topic("payments", 1),
    ];
    let orders = mirror(", topics: ['order.*']");
    let planned = actions(&orders, &source, &[]);
    assert_eq!(planned, [("a.orders".to_owned(), create(1))]);
}

#[test]
fn a_group_is_named_after_mirror_and_topic() {
    let plans = plan_topics(&mirror(""), &[topic("orders", 1)], &[]);
    assert_eq!(plans[0].names.group, "kmirror.a-b.orders");
}

#[test]
fn a_name_that_kafka_does_not_take_is_refused_and_the_others_run() {
    let long = "x".repeat(248);
    let source = [topic("orders", 1), topic(&long, 1)];
    let planned = actions(&mirror(""), &source, &[]);
    assert_eq!(planned[0].1, create(1));
    assert!(matches!(&planned[1].1, Action::Refuse(reason) if reason.contains("249")));
}

#[test]
fn a_copy_with_too_few_partitions_is_grown_unless_that_is_not_wanted() {
    let (source, target) = ([topic("orders", 4)], [topic("a.orders", 2)]);
    let planned = actions(&mirror(""), &source, &target);
    assert_eq!(planned[0].1, Action::Grow { from: 2, to: 4 });
    let planned = actions(&mirror(", sync_partitions: false"), &source, &target);
    assert!(matches!(&planned[0].1, Action::Refuse(reason) if reason.contains("add partitions")));
}

#[test]
fn a_copy_with_more_partitions_is_left_and_the_topic_runs() {
    let plans = plan_topics(&mirror(""), &[topic("orders", 2)], &[topic("a.orders", 3)]);
    assert_eq!(plans[0].action, Action::Mirror);
    let notice = plans[0].notice.as_deref();
    assert!(notice.is_some_and(|it| it.contains("has 3 partitions and the source 2")));
}

#[test]
fn a_topic_that_may_not_be_described_is_refused_with_the_missing_right() {
    let denied = |name: &str| TopicInfo {
        error: Some(Failure {
            code: RDKafkaErrorCode::TopicAuthorizationFailed,
            message: "Broker: Topic authorization failed".to_owned(),
        }),
        ..topic(name, 0)
    };
    let reason = |source: TopicInfo, target: &[TopicInfo]| {
        let planned = actions(&mirror(""), &[source, topic("payments", 1)], target);
        assert_eq!(planned[1].1, create(1), "the other one runs");
        match &planned[0].1 {
            Action::Refuse(reason) => reason.clone(),
            action => panic!("{action:?}"),
        }
    };
    let on_source = reason(denied("orders"), &[]);
    assert!(on_source.starts_with("a does not allow DESCRIBE on topic orders; add an ACL"));
    let on_target = reason(topic("orders", 1), &[denied("a.orders")]);
    assert!(on_target.contains("b does not allow DESCRIBE on topic a.orders; add an ACL"));
}

/// A mirror all of whose topics are written to one.
static INTO_ONE: LazyLock<Mirror> = LazyLock::new(|| mirror(", target_topic: all"));

#[test]
fn topics_that_share_a_copy_get_one_with_the_partitions_of_the_largest() {
    let source = [topic("orders", 2), topic("payments", 5), topic("visits", 1)];
    let planned = actions(&INTO_ONE, &source, &[]);
    assert_eq!(planned, vec![("all".to_owned(), create(5)); 3]);
    let planned = actions(&INTO_ONE, &source, &[topic("all", 3)]);
    assert_eq!(planned[0].1, Action::Grow { from: 3, to: 5 });
    let plans = plan_topics(&INTO_ONE, &source, &[topic("all", 5)]);
    assert!(
        plans
            .iter()
            .all(|plan| plan.action == Action::Mirror && plan.notice.is_none())
    );
}

#[test]
fn without_the_right_to_create_a_missing_copy_is_refused() {
    let mirror = mirror(", create_topics: false");
    let planned = actions(&mirror, &[topic("orders", 4)], &[]);
    assert!(
        matches!(&planned[0].1, Action::Refuse(reason) if reason.contains("with 4 partitions"))
    );
}

#[test]
fn of_two_topics_whose_copies_collide_the_first_runs() {
    let source = [
        topic("orders_eu", 1),
        topic("orders.eu", 1),
        topic("payments", 1),
    ];
    let planned = actions(&mirror(""), &source, &[]);
    assert_eq!(planned[0], ("a.orders.eu".to_owned(), create(1)));
    assert!(
        matches!(&planned[1].1, Action::Refuse(reason) if reason.contains("collides with a.orders.eu"))
    );
    assert_eq!(planned[2].1, create(1));
}

#[test]
fn a_copy_that_collides_with_a_topic_of_the_target_is_refused_unless_it_exists() {
    let target = [topic("a_orders", 1)];
    let planned = actions(&mirror(""), &[topic("orders", 1)], &target);
    assert!(
        matches!(&planned[0].1, Action::Refuse(reason) if reason.contains("collides with a_orders"))
    );
    let both = [topic("a_orders", 1), topic("a.orders", 1)];
    let planned = actions(&mirror(""), &[topic("orders", 1)], &both);
    assert_eq!(planned[0].1, Action::Mirror);
}

#[test]
fn a_topic_that_came_from_the_target_is_not_sent_home() {
    let planned = actions(
        &mirror(""),
        &[topic("b.orders", 1), topic("orders", 1)],
        &[],
    );
    assert!(matches!(&planned[0].1, Action::Refuse(reason) if reason.contains("it came from b")));
    assert_eq!(planned[1].1, create(1));
}

fn topics(prefix: &'static str) -> impl Strategy<Value = Vec<TopicInfo>> {
    let names = proptest::sample::subsequence(
        vec![
            "orders",
            "orders.eu",
            "orders_eu",
            "b.visits",
            "a.visits",
            "__own",
            "payments",
        ],
        0..=7,
    );
    names.prop_flat_map(move |names| {
        proptest::collection::vec(1_u32..6, names.len()).prop_map(move |counts| {
            let made = names.iter().zip(counts);
            made.map(|(name, count)| topic(&format!("{prefix}{name}"), count))
                .collect()
        })
    })
}

/// What a target that refuses nothing makes of a plan.
fn apply(target: &[TopicInfo], plans: &[TopicPlan]) -> Vec<TopicInfo> {
    let mut target = target.to_vec();
    for plan in plans {
        let name = &plan.names.target_topic;
        let there = target.iter_mut().find(|topic| topic.name == *name);
        match (&plan.action, there) {
            (Action::Create { partitions }, None) => target.push(topic(name, *partitions)),
            (Action::Grow { to, .. }, Some(there)) => there.partitions = *to,
            _ => {}
        }
    }
    target
}

proptest! {
    #[test]
    fn a_plan_never_shrinks_a_copy_and_once_carried_out_asks_for_nothing(
        source in topics(""), target in topics("a."), sync in any::<bool>(), shared in any::<bool>(),
    ) {
        let mut mirror = if shared { INTO_ONE.clone() } else { DEFAULTS.clone() };
        mirror.sync_partitions = sync;
        let plans = plan_topics(&mirror, &source, &target);
        for plan in &plans {
            if let Action::Grow { from, to } = plan.action {
                prop_assert!(sync && from < to && to >= plan.partitions);
            }
        }
        let after = apply(&target, &plans);
        for topic in &target {
            let still = after.iter().find(|it| it.name == topic.name);
            prop_assert!(still.is_some_and(|it| it.partitions >= topic.partitions));
        }
        for plan in plan_topics(&mirror, &source, &after) {
            let settled = matches!(plan.action, Action::Mirror | Action::Refuse(_));
            prop_assert!(settled, "{plan:?}");
        }
    }

    #[test]
    fn what_was_decided_about_names_before_changes_no_plan(
        before in topics(""), source in topics(""), target in topics("a."),
    ) {
        let mirror = &*DEFAULTS;
        let mut selection = Selection::default();
        plan_selected(mirror, &mut selection, &before, &target);
        let remembered = plan_selected(mirror, &mut selection, &source, &target);
        prop_assert_eq!(remembered, plan_topics(mirror, &source, &target));
    }
}
