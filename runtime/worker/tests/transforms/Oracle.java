// Applies Connect's own transforms to records, one JSON line each, and prints what becomes of them: the oracle for
// plugins/transforms. Each line names a class, its settings, and a record as Connect's JSON converter writes one.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

public class Oracle {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<Boolean, JsonConverter> CONVERTERS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        for (boolean schemas : new boolean[] {true, false}) {
            JsonConverter converter = new JsonConverter();
            converter.configure(Map.of("schemas.enable", schemas, "converter.type", "value"));
            CONVERTERS.put(schemas, converter);
        }
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
        }
        out.flush();
    }

    private static ObjectNode answer(JsonNode test) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            SinkRecord record = record(test.get("record"));
            Object plugin = Class.forName(test.get("class").asText()).getDeclaredConstructor().newInstance();
            Map<String, Object> settings = new HashMap<>();
            test.get("settings").fields().forEachRemaining(entry -> settings.put(entry.getKey(), entry.getValue().asText()));
            if (plugin instanceof Predicate) {
                @SuppressWarnings("unchecked")
                Predicate<SinkRecord> predicate = (Predicate<SinkRecord>) plugin;
                predicate.configure(settings);
                return answer.put("holds", predicate.test(record));
            }
            @SuppressWarnings("unchecked")
            Transformation<SinkRecord> transform = (Transformation<SinkRecord>) plugin;
            transform.configure(settings);
            SinkRecord result = transform.apply(record);
            if (result == null) {
                return answer.put("dropped", true);
            }
            answer.put("topic", result.topic());
            answer.set("key", written(result.topic(), new SchemaAndValue(result.keySchema(), result.key())));
            answer.set("value", written(result.topic(), new SchemaAndValue(result.valueSchema(), result.value())));
            answer.set("headers", headers(result));
        } catch (Exception | LinkageError error) {
            answer.removeAll();
            answer.put("error", String.valueOf(error));
        }
        return answer;
    }

    private static SinkRecord record(JsonNode record) throws Exception {
        SchemaAndValue key = read(record.get("key"));
        SchemaAndValue value = read(record.get("value"));
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode name : record.withArray("headers")) {
            headers.add(name.asText(), new SchemaAndValue(null, "h"));
        }
        JsonNode timestamp = record.get("timestamp");
        return new SinkRecord(record.get("topic").asText(), record.get("partition").asInt(), key.schema(), key.value(),
            value.schema(), value.value(), record.get("offset").asLong(),
            timestamp.isNull() ? null : timestamp.asLong(), TimestampType.CREATE_TIME, headers);
    }

    // An object with a schema is what the converter reads with schemas; anything else stands for itself.
    private static SchemaAndValue read(JsonNode node) throws Exception {
        if (node == null || node.isNull()) {
            return SchemaAndValue.NULL;
        }
        boolean hasSchema = node.isObject() && node.size() == 2 && node.has("schema") && node.has("payload");
        return CONVERTERS.get(hasSchema).toConnectData("t", JSON.writeValueAsBytes(node));
    }

    private static JsonNode written(String topic, SchemaAndValue data) throws Exception {
        byte[] bytes = CONVERTERS.get(data.schema() != null).fromConnectData(topic, data.schema(), data.value());
        return bytes == null ? JSON.nullNode() : JSON.readTree(bytes);
    }

    private static ArrayNode headers(SinkRecord record) throws Exception {
        ArrayNode headers = JSON.createArrayNode();
        try (SimpleHeaderConverter converter = new SimpleHeaderConverter()) {
            for (Header header : record.headers()) {
                byte[] bytes = converter.fromConnectHeader(record.topic(), header.key(), header.schema(), header.value());
                headers.addArray().add(header.key()).add(bytes == null ? null : new String(bytes, StandardCharsets.UTF_8));
            }
        }
        return headers;
    }
}
