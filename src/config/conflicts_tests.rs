//! Holds what is wrong between mirrors against the exact words that an operator reads.

use super::bad_input_tests::{said, said_of_mirrors};

/// Holds what is said about mirrors against the words beside them.
#[track_caller]
fn assert_said(cases: &[(Vec<String>, String)]) {
    for (mirrors, words) in cases {
        let mirrors: Vec<_> = mirrors.iter().map(String::as_str).collect();
        assert_eq!(said_of_mirrors(&mirrors), *words, "{mirrors:#?}");
    }
}

fn under_the_same_names(source: &str, target: &str) -> String {
    format!("{{ source: {source}, target: {target}, target_topic: '{{topic}}' }}")
}

const AGAINST_CIRCLES: &str = "write `provenance: header` on each of these mirrors, `target_topic: \"{source}.{topic}\"`, or `topics` that leave out what came from elsewhere";

#[test]
fn a_name_is_taken_once() {
    assert_said(&[
        (
            vec!["{ source: paris, target: dublin }".to_owned(), "{ name: paris-dublin, source: dublin, target: paris }".to_owned()],
            "mirrors[1].name: `paris-dublin` is the name of mirrors[0] as well; write a `name` of its own".to_owned(),
        ),
    ]);
}

#[test]
fn circles_are_told_with_a_topic_that_goes_round() {
    assert_said(&[
        (
            vec![
                under_the_same_names("paris", "dublin"),
                under_the_same_names("dublin", "paris"),
            ],
            format!(
                "mirrors[1]: closes a circle: topics such as `a` go paris > dublin > paris under the same name, and round again; {AGAINST_CIRCLES}"
            ),
        ),
        (
            vec![
                under_the_same_names("paris", "dublin"),
                under_the_same_names("dublin", "oslo"),
                under_the_same_names("oslo", "paris"),
            ],
            format!(
                "mirrors[2]: closes a circle: topics such as `a` go paris > dublin > oslo > paris under the same name, and round again; {AGAINST_CIRCLES}"
            ),
        ),
        (
            vec![
                "{ source: paris, target: dublin, topics: ['orders-.*'], target_topic: '{topic}' }"
                    .to_owned(),
                "{ source: dublin, target: paris, topics: ['.*-eu', x], target_topic: '{topic}' }"
                    .to_owned(),
            ],
            format!(
                "mirrors[1]: closes a circle: topics such as `orders-eu` go paris > dublin > paris under the same name, and round again; {AGAINST_CIRCLES}"
            ),
        ),
        (
            vec![
                "{ source: paris, target: dublin, target_topic: 'all.{topic}' }".to_owned(),
                "{ source: dublin, target: paris, target_topic: '{topic}' }".to_owned(),
            ],
            format!(
                "mirrors[1]: closes a circle: topics such as `a` go paris > dublin > paris as `all.a`, and round again; {AGAINST_CIRCLES}"
            ),
        ),
    ]);
}

#[test]
fn circles_in_which_one_mirror_forgets_where_records_came_from_are_told() {
    assert_said(&[(
        vec![
            "{ source: paris, target: dublin, target_topic: '{topic}', provenance: header }"
                .to_owned(),
            under_the_same_names("dublin", "paris"),
        ],
        format!(
            "mirrors[1]: closes a circle: topics such as `a` go paris > dublin > paris under the same name, and round again; {AGAINST_CIRCLES}"
        ),
    )]);
}

#[test]
fn circles_of_one_name_for_all_are_told() {
    assert_said(&[(
        vec![
            "{ source: paris, target: dublin, topics: [x, all], target_topic: all }".to_owned(),
            "{ source: dublin, target: paris, topics: [al.*], target_topic: '{topic}' }".to_owned(),
        ],
        format!(
            "mirrors[1]: closes a circle: topics such as `x` go paris > dublin > paris as `all`, and round again; {AGAINST_CIRCLES}"
        ),
    )]);
}

#[test]
fn one_topic_copied_twice_into_the_same_is_told() {
    assert_said(&[
        (
            vec![
                "{ source: paris, target: dublin, topics: ['ord.*'] }".to_owned(),
                "{ name: more, source: paris, target: dublin, topics: [orders] }".to_owned(),
            ],
            "mirrors[1]: copies topics such as `orders` into `paris.orders`, as mirrors[0] does; \
             write `topics` that share no name, or another `target_topic`".to_owned(),
        ),
        (
            vec![
                "{ source: paris, target: dublin, topics: [orders, x], target_topic: all }".to_owned(),
                "{ name: more, source: paris, target: dublin, topics: [orders], target_topic: all }".to_owned(),
            ],
            "mirrors[1]: copies topics such as `orders` into `all`, as mirrors[0] does; \
             write `topics` that share no name, or another `target_topic`".to_owned(),
        ),
    ]);
}

#[test]
fn two_topics_whose_names_become_the_same_are_told() {
    assert_said(&[
        (
            vec![
                "{ source: paris, target: dublin, topics: [orders], target_topic: 'all.{topic}' }".to_owned(),
                "{ name: more, source: paris, target: dublin, topics: ['all.*'], target_topic: '{topic}' }".to_owned(),
            ],
            "mirrors[1]: copies topics such as `all.orders` into `all.orders`, as mirrors[0] copies `orders`; \
             write `topics` that share no name, or another `target_topic`".to_owned(),
        ),
        (
            vec![
                "{ source: paris, target: dublin, topics: ['all.*'], target_topic: '{topic}' }".to_owned(),
                "{ name: more, source: paris, target: dublin, topics: [orders], target_topic: 'all.{topic}' }".to_owned(),
            ],
            "mirrors[1]: copies topics such as `orders` into `all.orders`, as mirrors[0] copies `all.orders`; \
             write `topics` that share no name, or another `target_topic`".to_owned(),
        ),
        (
            vec![
                "{ source: paris, target: dublin, topics: [orders], target_topic: all }".to_owned(),
                "{ name: more, source: paris, target: dublin, topics: [all, x], target_topic: '{topic}' }".to_owned(),
            ],
            "mirrors[1]: copies topics such as `all` into `all`, as mirrors[0] copies `orders`; \
             write `topics` that share no name, or another `target_topic`".to_owned(),
        ),
    ]);
}

#[test]
fn mirrors_that_only_look_like_a_circle_are_taken() {
    for mirrors in [
        // Both ways with prefixes.
        vec![
            "{ source: paris, target: dublin }",
            "{ source: dublin, target: paris }",
        ],
        // One name each way.
        vec![
            "{ source: paris, target: dublin, topics: [orders], target_topic: '{topic}' }",
            "{ source: dublin, target: paris, topics: [payments], target_topic: '{topic}' }",
        ],
        // What comes back is left out.
        vec![
            "{ source: paris, target: dublin, exclude_topics: ['all\\..*'], target_topic: 'all.{topic}' }",
            "{ source: dublin, target: paris, target_topic: '{topic}' }",
        ],
        // Both ways under the same names, with the way of each record.
        vec![
            "{ source: paris, target: dublin, target_topic: '{topic}', provenance: header }",
            "{ source: dublin, target: paris, target_topic: '{topic}', provenance: header }",
        ],
        // All into one, which is not selected on the way back; and many into one from several mirrors and sources.
        vec![
            "{ source: paris, target: dublin, topics: [orders], target_topic: all }",
            "{ name: more, source: paris, target: dublin, topics: [payments], target_topic: all }",
            "{ source: oslo, target: dublin, target_topic: all }",
            "{ source: dublin, target: paris, exclude_topics: [all], target_topic: '{topic}' }",
        ],
        // A chain, and two ways to one place under different names.
        vec![
            "{ source: paris, target: dublin, target_topic: '{topic}' }",
            "{ source: dublin, target: oslo, target_topic: '{topic}' }",
            "{ source: paris, target: oslo, target_topic: 'x.{topic}' }",
        ],
    ] {
        assert_eq!(said_of_mirrors(&mirrors), "nothing", "{mirrors:#?}");
    }
}

#[test]
fn acls_are_not_copied_where_topics_share_a_copy() {
    const BY_TEMPLATE: &str = "mirrors[0].sync_acls: would let readers of one topic read others: by this `target_topic` they have one copy; write `sync_acls: false`, or a `target_topic` with `{topic}` in it";
    let shared = |place, ours: &str, other, theirs: &str, copy: &str| {
        format!(
            "mirrors[{place}].sync_acls: would let readers of `{ours}` read what mirrors[{other}] copies from `{theirs}` into `{copy}` as well; write `sync_acls: false`, `topics` that share no name, or another `target_topic`"
        )
    };
    let templates = [
        ("all", BY_TEMPLATE),
        ("{source}", BY_TEMPLATE),
        ("all.{topic}", "nothing"),
        ("{topic}", "nothing"),
    ];
    let by_template = templates.map(|(template, said)| {
        let mirror = format!(
            "{{ source: paris, target: dublin, target_topic: '{template}', sync_acls: true }}"
        );
        (vec![mirror], said.to_owned())
    });
    assert_said(&by_template);
    let followed = "{ source: paris, target: dublin, topics: [x], sync_acls: true }".to_owned();
    let gathered =
        "{ source: oslo, target: dublin, topics: [clicks], target_topic: paris.x }".to_owned();
    let kept =
        "{ source: oslo, target: dublin, topics: ['paris.*'], target_topic: '{topic}' }".to_owned();
    let elsewhere =
        "{ source: dublin, target: oslo, topics: [clicks], target_topic: paris.x }".to_owned();
    assert_said(&[
        (
            vec![followed.clone(), gathered.clone()],
            shared(0, "x", 1, "clicks", "paris.x"),
        ),
        (
            vec![gathered, followed.clone()],
            shared(1, "x", 0, "clicks", "paris.x"),
        ),
        (
            vec![followed.clone(), kept],
            shared(0, "x", 1, "paris.x", "paris.x"),
        ),
        (vec![followed.clone(), elsewhere], "nothing".to_owned()),
        (
            vec![
                followed,
                "{ source: oslo, target: dublin, sync_acls: true }".to_owned(),
            ],
            "nothing".to_owned(),
        ),
    ]);
}

#[test]
fn one_cluster_under_two_names_is_told() {
    let text = "clusters:\n  a: { bootstrap_servers: 'one:1, two:1' }\n  b: { bootstrap_servers: 'TWO:1' }\n\
                mirrors: [{ source: a, target: b }]";
    let words = "mirrors[0].target: is the same cluster as `a`: they share an address; write the name of another cluster";
    assert_eq!(said(text), words);
}
