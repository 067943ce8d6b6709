//! The settings of a broker under test, in the form of `server.properties`.

use std::path::Path;

use crate::certificates::Certificates;

/// The ports of one broker; all are its own for as long as it exists.
#[derive(Clone, Copy, Default)]
pub struct Ports {
    /// For clients.
    pub direct: u16,
    /// For the broker's own controller.
    pub controller: u16,
    /// For clients behind a proxy: what the proxy connects to.
    pub behind_proxy: u16,
    /// What such clients are told to connect to: the proxy's.
    pub proxy: u16,
    /// For clients that say who they are.
    pub secured: u16,
    /// For clients that do so behind TLS.
    pub encrypted: u16,
}

/// The one who may come by the secured listener, with its password; ACLs say what it may do.
pub const PRINCIPAL: (&str, &str) = ("mirror", "mirror-secret");

/// The one who may come by the encrypted listener, with its password, and may do everything.
pub const TRUSTED: (&str, &str) = ("trusted", "trusted-secret");

/// One node that is broker and controller (KRaft), on 127.0.0.1 only.
///
/// A client stays with the listener it came by, since each listener advertises itself; so whoever comes by the proxy
/// stays behind it.
pub fn server(data: &Path, certificates: &Certificates, ports: Ports) -> String {
    let Ports {
        direct,
        controller,
        behind_proxy,
        proxy,
        secured,
        encrypted,
    } = ports;
    let (user, password) = PRINCIPAL;
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=DIRECT://127.0.0.1:{direct},PROXIED://127.0.0.1:{behind_proxy},SECURED://127.0.0.1:{secured},ENCRYPTED://127.0.0.1:{encrypted},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=DIRECT://127.0.0.1:{direct},PROXIED://127.0.0.1:{proxy},SECURED://127.0.0.1:{secured},ENCRYPTED://127.0.0.1:{encrypted}\n\
         inter.broker.listener.name=DIRECT\n\
         listener.security.protocol.map=DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,SECURED:SASL_PLAINTEXT,ENCRYPTED:SASL_SSL,CONTROLLER:PLAINTEXT\n\
         listener.name.secured.sasl.enabled.mechanisms=PLAIN\n\
         listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
         user_{user}=\"{password}\";\n\
         listener.name.encrypted.sasl.enabled.mechanisms=SCRAM-SHA-512\n\
         listener.name.encrypted.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
         listener.name.encrypted.ssl.keystore.type=PEM\n\
         listener.name.encrypted.ssl.keystore.location={keystore}\n\
         listener.name.encrypted.ssl.truststore.type=PEM\n\
         listener.name.encrypted.ssl.truststore.location={authority}\n\
         listener.name.encrypted.ssl.client.auth=required\n\
         log.dirs={data}\n\
         default.replication.factor=1\n\
         num.partitions=4\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         {NO_RETENTION}{PROMPT_RETENTION}{PROMPT_CLEANING}{AUTHORIZER}",
        data = data.display(),
        keystore = certificates.broker().display(),
        authority = certificates.authority().display(),
    )
}

/// Records of 1999 are older than the default week of retention: the broker would delete them half a minute in.
const NO_RETENTION: &str = "log.retention.ms=-1\n";

/// Keeps ACLs, and lets the tests, which do not say who they are, do everything.
const AUTHORIZER: &str = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
     super.users=User:ANONYMOUS;User:trusted\n";

/// A topic that a test gives a retention of its own feels it within a second, not within five minutes.
const PROMPT_RETENTION: &str =
    "log.retention.check.interval.ms=500\nlog.initial.task.delay.ms=500\n";

/// The cleaner looks for something to compact as often, not every fifteen seconds.
const PROMPT_CLEANING: &str = "log.cleaner.backoff.ms=500\n";
