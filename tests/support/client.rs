//! A cluster as seen from a test: which broker leads which partition, and a connection to each.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    FindCoordinatorRequest, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};

use super::wire::{Connection, refused};

/// A version that every broker since 2.8 answers, the in-tree one included.
const METADATA: i16 = 9;
const FIND_COORDINATOR: i16 = 3;

/// Connects when first asked, and again after every error. Any error leaves the client usable.
pub struct Client {
    bootstrap: String,
    connections: HashMap<String, Connection>,
    leaders: HashMap<(String, i32), String>,
    /// The newest versions that an older cluster knows, by the number of the API.
    newest: HashMap<i16, i16>,
}

impl Client {
    /// A client of the cluster that the brokers at `bootstrap` (`host:port,host:port`) belong to.
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            connections: HashMap::new(),
            leaders: HashMap::new(),
            newest: HashMap::new(),
        }
    }

    /// Asks for no newer version of an API any more.
    pub fn cap(&mut self, api: i16, newest: i16) {
        self.newest.insert(api, newest);
    }

    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Asks the brokers that were named at the start, one after the other, until one answers.
    pub fn ask<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        let named = self.bootstrap.clone();
        let mut answer = Err(anyhow!("no broker is named"));
        for address in named.split(',') {
            answer = self.call_at(address, version, request);
            if answer.is_ok() {
                break;
            }
        }
        answer
    }

    /// Asks the leader of a partition. After an error the leader is looked up anew.
    pub fn ask_leader<R: Request>(
        &mut self,
        topic: &str,
        partition: i32,
        version: i16,
        request: &R,
    ) -> Result<R::Response> {
        let address = self.leader(topic, partition)?;
        self.call_at(&address, version, request)
    }

    /// Asks the coordinator of a consumer group, found anew each time: it moves.
    pub fn ask_coordinator<R: Request>(
        &mut self,
        group: &str,
        version: i16,
        request: &R,
    ) -> Result<R::Response> {
        let key = StrBytes::from_string(group.to_owned());
        let found = self.ask(
            FIND_COORDINATOR,
            &FindCoordinatorRequest::default().with_key(key),
        )?;
        refused(found.error_code).with_context(|| format!("find the coordinator of {group}"))?;
        self.call_at(
            &format!("{}:{}", found.host.as_str(), found.port),
            version,
            request,
        )
    }

    /// The cluster's metadata: of one topic, or of all.
    pub fn metadata(&mut self, topic: Option<&str>) -> Result<MetadataResponse> {
        let named = topic
            .map(|name| vec![MetadataRequestTopic::default().with_name(Some(topic_name(name)))]);
        let request = MetadataRequest::default()
            .with_topics(named)
            .with_allow_auto_topic_creation(false);
        self.ask(METADATA, &request)
    }

    /// Forgets who leads `topic`, as one must after NOT_LEADER_OR_FOLLOWER.
    pub fn forget_leaders(&mut self, topic: &str) {
        self.leaders.retain(|(known, _), _| known != topic);
    }

    fn leader(&mut self, topic: &str, partition: i32) -> Result<String> {
        if let Some(known) = self.leaders.get(&(topic.to_owned(), partition)) {
            return Ok(known.clone());
        }
        self.learn_leaders(topic)?;
        self.leaders
            .get(&(topic.to_owned(), partition))
            .cloned()
            .with_context(|| format!("{topic}-{partition} has no leader"))
    }

    fn learn_leaders(&mut self, topic: &str) -> Result<()> {
        let answer = self.metadata(Some(topic))?;
        let addresses: HashMap<_, _> = answer
            .brokers
            .iter()
            .map(|node| {
                (
                    node.node_id,
                    format!("{}:{}", node.host.as_str(), node.port),
                )
            })
            .collect();
        for described in answer.topics {
            refused(described.error_code).with_context(|| format!("metadata of {topic}"))?;
            for partition in described.partitions {
                if let Some(address) = addresses.get(&partition.leader_id) {
                    self.leaders.insert(
                        (topic.to_owned(), partition.partition_index),
                        address.clone(),
                    );
                }
            }
        }
        Ok(())
    }

    fn call_at<R: Request>(
        &mut self,
        address: &str,
        version: i16,
        request: &R,
    ) -> Result<R::Response> {
        let mut connection = match self.connections.remove(address) {
            Some(open) => open,
            None => Connection::open(address)?,
        };
        let newest = self.newest.get(&R::KEY).copied().unwrap_or(version);
        match connection.call(version.min(newest), request) {
            Ok(answer) => {
                self.connections.insert(address.to_owned(), connection);
                Ok(answer)
            }
            Err(error) => {
                self.leaders.clear();
                Err(error.context(format!("request {} to {address}", R::KEY)))
            }
        }
    }
}

pub fn topic_name(name: &str) -> TopicName {
    StrBytes::from_string(name.to_owned()).into()
}
