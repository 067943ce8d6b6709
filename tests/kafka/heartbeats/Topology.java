// Prints what Java's own clients of MirrorMaker 2 make of a cluster: its topology, and the newest heartbeat of each topic.
//
//     java -cp 'libs/*' Topology.java BOOTSTRAP CLUSTER...
//
// One fact per line, each list in alphabetical order. CLUSTER are the names whose distance is asked for.

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.connect.mirror.Heartbeat;
import org.apache.kafka.connect.mirror.MirrorClient;
import org.apache.kafka.connect.mirror.RemoteClusterUtils;

public class Topology {
    public static void main(String[] arguments) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0]);
        try (MirrorClient client = new MirrorClient(settings)) {
            TreeSet<String> topics = new TreeSet<>(client.heartbeatTopics());
            System.out.println("heartbeat topics " + topics);
            System.out.println("upstream clusters " + new TreeSet<>(client.upstreamClusters()));
            for (int at = 1; at < arguments.length; at++) {
                String cluster = arguments[at];
                System.out.println("hops from " + cluster + " " + client.replicationHops(cluster)
                    + " " + RemoteClusterUtils.replicationHops(settings, cluster));
            }
            for (String topic : topics) {
                System.out.println("newest of " + topic + " " + newest(settings, topic));
            }
        }
    }

    /** The direction that the last heartbeat of a topic names, and whether it was written within the last minute. */
    private static String newest(Map<String, Object> settings, String topic) {
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            consumer.seek(partition, end - 1);
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(20))) {
                Heartbeat heartbeat = Heartbeat.deserializeRecord(record);
                boolean isNew = System.currentTimeMillis() - heartbeat.timestamp() < 60_000;
                return heartbeat.sourceClusterAlias() + " to " + heartbeat.targetClusterAlias()
                    + (isNew ? ", new" : ", old");
            }
            return "none";
        }
    }
}
