//! The settings of a broker under test, in the form of `server.properties`.

use std::path::Path;

/// One node that is broker and controller (KRaft), on 127.0.0.1 only.
pub fn server(data: &Path, port: u16, controller_port: u16) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}\n\
         advertised.listeners=BROKER://127.0.0.1:{port}\n\
         inter.broker.listener.name=BROKER\n\
         listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={data}\n\
         default.replication.factor=1\n\
         num.partitions=4\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         {NO_RETENTION}",
        data = data.display()
    )
}

/// Records of 1999 are older than the default week of retention: the broker would delete them half a minute in.
const NO_RETENTION: &str = "log.retention.ms=-1\n";
