// Prints where Java's own client of MirrorMaker 2 has consumer groups go on.
//
//     java -cp 'libs/*' Translate.java BOOTSTRAP SOURCE GROUP...
//
// One line per group and partition of the target, in alphabetical order: group, topic, partition, offset, metadata.

import java.time.Duration;
import java.util.Map;
import java.util.TreeSet;

import org.apache.kafka.connect.mirror.RemoteClusterUtils;

public class Translate {
    public static void main(String[] arguments) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0]);
        TreeSet<String> lines = new TreeSet<>();
        for (int at = 2; at < arguments.length; at++) {
            String group = arguments[at];
            Duration timeout = Duration.ofSeconds(20);
            RemoteClusterUtils.translateOffsets(settings, arguments[1], group, timeout).forEach(
                (partition, offset) -> lines.add(group + " " + partition.topic() + " " + partition.partition()
                    + " " + offset.offset() + " " + offset.metadata()));
        }
        lines.forEach(System.out::println);
    }
}
