//! One thing that the control loop would do, as it is printed.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::control::plan::Action;
use crate::control::preview::{Preview, TopicPreview};
use crate::librdkafka::admin::acls::TopicAcl;
use crate::librdkafka::admin::config_changes::ConfigChange;

/// What would be done, and to which copy.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Deed {
    /// Name on the source; absent where several source topics share the copy.
    pub(super) source_topic: Option<String>,
    /// Name on the target.
    pub(super) target_topic: String,
    #[serde(flatten)]
    pub(super) what: What,
}

/// What would be done.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub(super) enum What {
    Create {
        partitions: u32,
        configs: BTreeMap<String, String>,
    },
    Grow {
        from: u32,
        to: u32,
    },
    Alter {
        set: BTreeMap<String, String>,
        reset: Vec<String>,
    },
    Acl {
        principal: String,
        host: String,
        permission: String,
        operation: String,
    },
    Refuse {
        reason: String,
    },
}

impl What {
    /// A word for it.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Grow { .. } => "grow",
            Self::Alter { .. } => "alter",
            Self::Acl { .. } => "acl",
            Self::Refuse { .. } => "refuse",
        }
    }

    /// The rest of it in words.
    pub(super) fn details(&self) -> String {
        let value = |(name, value): (&String, &String)| format!("{name}={value}");
        match self {
            Self::Create {
                partitions,
                configs,
            } => {
                let noun = if *partitions == 1 { "" } else { "s" };
                let partitions = format!("{partitions} partition{noun}");
                let configs = configs.iter().map(value);
                [partitions].into_iter().chain(configs).collect::<Vec<_>>()
            }
            Self::Grow { from, to } => vec![format!("from {from} to {to} partitions")],
            Self::Alter { set, reset } => {
                let reset = reset.iter().map(|name| format!("{name} reset"));
                set.iter().map(value).chain(reset).collect()
            }
            Self::Acl {
                principal,
                host,
                permission,
                operation,
            } => vec![format!(
                "{permission} {operation} for {principal} from {host}"
            )],
            Self::Refuse { reason } => vec![reason.clone()],
        }
        .join(", ")
    }
}

/// All that would be done, by topic; ACLs last.
pub(super) fn of(preview: Preview) -> Vec<Deed> {
    let mut deeds = Deeds::default();
    for deed in preview.topics.into_iter().flat_map(of_topic) {
        deeds.add(deed);
    }
    deeds.all.extend(preview.acls.into_iter().map(of_acl));
    deeds.all
}

/// What would be done, where a copy that several source topics share is created, or grown, once.
#[derive(Default)]
struct Deeds {
    all: Vec<Deed>,
    /// Where in `all` a copy gets its partitions.
    partitioned: HashMap<String, usize>,
}

impl Deeds {
    fn add(&mut self, deed: Deed) {
        if !matches!(deed.what, What::Create { .. } | What::Grow { .. }) {
            self.all.push(deed);
            return;
        }
        match self.partitioned.entry(deed.target_topic.clone()) {
            Entry::Occupied(place) => self.all[*place.get()].source_topic = None,
            Entry::Vacant(place) => {
                place.insert(self.all.len());
                self.all.push(deed);
            }
        }
    }
}

fn of_topic(topic: TopicPreview) -> Vec<Deed> {
    let action = match topic.plan.action {
        Action::Mirror => None,
        Action::Create { partitions } => Some(What::Create {
            partitions,
            configs: topic.configs.into_iter().collect(),
        }),
        Action::Grow { from, to } => Some(What::Grow { from, to }),
        Action::Refuse(reason) => Some(What::Refuse { reason }),
    };
    let alteration = (!topic.changes.is_empty()).then(|| alter(topic.changes));
    let names = topic.plan.names;
    let deed = |what| Deed {
        source_topic: Some(names.source_topic.clone()),
        target_topic: names.target_topic.clone(),
        what,
    };
    action.into_iter().chain(alteration).map(deed).collect()
}

fn alter(changes: Vec<ConfigChange>) -> What {
    let (mut set, mut reset) = (BTreeMap::new(), Vec::new());
    for ConfigChange { name, value } in changes {
        match value {
            Some(value) => {
                set.insert(name, value);
            }
            None => reset.push(name),
        }
    }
    What::Alter { set, reset }
}

fn of_acl(acl: TopicAcl) -> Deed {
    Deed {
        source_topic: None,
        what: What::Acl {
            operation: acl.operation_name(),
            permission: acl.permission_name(),
            principal: acl.principal,
            host: acl.host,
        },
        target_topic: acl.topic,
    }
}
