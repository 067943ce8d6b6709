//! Claims about planning, by table.

use super::*;
use crate::config;

fn topic(name: &str, partitions: u32) -> TopicInfo {
    TopicInfo {
        name: name.to_owned(),
        partitions,
        leaderless: Vec::new(),
        error: None,
    }
}

fn mirror(extra: &str) -> Mirror {
    let text = format!(
        "clusters: {{ a: {{ bootstrap_servers: 'a:1' }}, b: {{ bootstrap_servers: 'b:1' }} }}\nmirrors: [{{ source: a, target: b{extra} }}]"
    );
    let config = config::parse(&text, &|_| None, std::path::Path::new("."));
    config
        .expect("the configuration is valid")
        .mirrors
        .remove(0)
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
            ("a.new".to_owned(), Action::Create),
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
    assert_eq!(planned, [("a.orders".to_owned(), Action::Create)]);
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
    assert_eq!(planned[0].1, Action::Create);
    assert!(matches!(&planned[1].1, Action::Refuse(reason) if reason.contains("249")));
}

#[test]
fn a_copy_with_too_few_partitions_is_refused() {
    let planned = actions(&mirror(""), &[topic("orders", 4)], &[topic("a.orders", 2)]);
    assert!(matches!(&planned[0].1, Action::Refuse(reason) if reason.contains("add partitions")));
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
    assert_eq!(planned[0], ("a.orders.eu".to_owned(), Action::Create));
    assert!(
        matches!(&planned[1].1, Action::Refuse(reason) if reason.contains("collides with a.orders.eu"))
    );
    assert_eq!(planned[2].1, Action::Create);
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
    assert_eq!(planned[1].1, Action::Create);
}
