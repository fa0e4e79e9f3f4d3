import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.sourcelab.kafka.connect.apiclient.Configuration;
import org.sourcelab.kafka.connect.apiclient.KafkaConnectClient;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorPluginConfigDefinition;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorPluginConfigValidationResults;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorStatus;
import org.sourcelab.kafka.connect.apiclient.request.dto.NewConnectorDefinition;
import org.sourcelab.kafka.connect.apiclient.request.post.PostConnectorRestart;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.ConcurrentConfigModificationException;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.InvalidRequestException;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.ResourceNotFoundException;

/**
 * Takes a connector through its life with every call of the client: URL NAME FAILING FILE.
 *
 * <p>NAME is the connector to create and its topic; FAILING is there already, and its task has failed.
 */
public final class Life {
    private static final String CLASS = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final KafkaConnectClient client;
    private final String name;
    private final String failing;
    private final Map<String, String> config;

    private Life(String url, String name, String failing, String file) {
        this.client = new KafkaConnectClient(new Configuration(url));
        this.name = name;
        this.failing = failing;
        this.config = Map.of("connector.class", CLASS, "tasks.max", "1", "file", file, "topic", name);
    }

    public static void main(String[] arguments) throws Exception {
        var life = new Life(arguments[0], arguments[1], arguments[2], arguments[3]);
        life.creates();
        life.shows();
        life.moves();
        life.updates();
        life.asks();
        life.fails();
        check("delete", true, life.client.deleteConnector(life.name));
        until("the connector to be gone", () -> life.client.getConnectors().equals(List.of(life.failing)));
        System.out.println("every call did what it says");
    }

    private void creates() throws Exception {
        var version = client.getConnectServerVersion();
        holds("version " + version, version.getVersion().startsWith("4."));
        holds("cluster " + version, !version.getKafkaClusterId().isEmpty());
        var created = client.addConnector(creation(name, config));
        check("name", name, created.getName());
        check("type", "source", created.getType());
        untilTaskIs("RUNNING");
    }

    private void shows() {
        holds("names", client.getConnectors().contains(name));
        var expected = new HashMap<>(config);
        expected.put("name", name);
        check("config", expected, client.getConnectorConfig(name));
        var shown = client.getConnector(name);
        check("config of the connector", expected, shown.getConfig());
        check("task", 0, shown.getTasks().get(0).getTask());
        check("expanded info", expected, client.getConnectorsWithExpandedInfo().getDefinitionForConnector(name).getConfig());
        check("expanded status", "RUNNING", state(client.getConnectorsWithExpandedStatus().getStatusForConnector(name)));
        var all = client.getConnectorsWithAllExpandedMetadata();
        check("info of both", "source", all.getDefinitionForConnector(name).getType());
        check("status of both", "RUNNING", state(all.getStatusForConnector(name)));
        var tasks = client.getConnectorTasks(name);
        check("topic of the task", name, tasks.iterator().next().getConfig().get("topic"));
    }

    private void moves() throws Exception {
        check("pause", true, client.pauseConnector(name));
        untilTaskIs("PAUSED");
        check("resume", true, client.resumeConnector(name));
        untilTaskIs("RUNNING");
        check("restart", true, client.restartConnector(name));
        untilTaskIs("RUNNING");
        var restart = new PostConnectorRestart(name).withIncludeTasks(true).withOnlyFailed(false);
        check("restart with tasks", true, client.restartConnector(restart));
        untilTaskIs("RUNNING");
        check("restart of the task", true, client.restartConnectorTask(name, 0));
        untilTaskIs("RUNNING");
        check("stop", true, client.stopConnector(name));
        until("the connector to stop", () -> state(client.getConnectorStatus(name)).equals("STOPPED"));
        check("tasks of a stopped connector", List.of(), client.getConnectorStatus(name).getTasks());
        check("resume of a stopped one", true, client.resumeConnector(name));
        untilTaskIs("RUNNING");
    }

    private void updates() throws Exception {
        var changed = new HashMap<>(config);
        changed.put("batch.size", "17");
        check("changed", "17", client.updateConnectorConfig(name, changed).getConfig().get("batch.size"));
        untilTaskIs("RUNNING");
        until("the topic to be seen", () -> client.getConnectorTopics(name).getTopics().equals(List.of(name)));
        check("reset of the topics", true, client.resetConnectorTopics(name));
        until("the topics to be forgotten", () -> client.getConnectorTopics(name).getTopics().isEmpty());
    }

    private void asks() {
        var plugins = client.getConnectorPlugins();
        holds("plugins " + plugins, plugins.stream().anyMatch(plugin -> plugin.getClassName().equals(CLASS)));
        var named = new HashMap<>(config);
        named.put("name", name);
        check("errors of a good config", 0, validate(named).getErrorCount());
        // AKHQ asks this of every plugin when a page is opened, sinks and sources alike.
        for (var plugin : plugins) {
            var form = new HashMap<String, String>();
            form.put("connector.class", plugin.getClassName());
            form.put("topics", "getPlugins");
            var definition = new ConnectorPluginConfigDefinition(plugin.getClassName(), form);
            var fields = client.validateConnectorPluginConfig(definition).getConfigs();
            holds("fields of " + plugin, fields.stream().anyMatch(field -> field.getDefinition().getName().equals("name")));
        }
        var wrong = validate(Map.of("connector.class", CLASS)).getConfigs().stream()
            .filter(field -> !field.getValue().getErrors().isEmpty());
        holds("the topic is missing", wrong.anyMatch(field -> field.getValue().getName().equals("topic")));
    }

    private void fails() {
        var status = client.getConnectorStatus(failing);
        check("connector of a failed task", "RUNNING", state(status));
        check("failed task", "FAILED", status.getTasks().get(0).getState());
        holds("trace", status.getTasks().get(0).getTrace().contains("asked for an error of kind config"));
        holds("trace of the task", client.getConnectorTaskStatus(failing, 0).getTrace().contains("of kind config"));

        refused(404, "Connector nobody not found", ResourceNotFoundException.class, () -> client.getConnector("nobody"));
        refused(404, "No status found", ResourceNotFoundException.class, () -> client.getConnectorStatus("nobody"));
        refused(404, "Unknown connector", ResourceNotFoundException.class, () -> client.pauseConnector("nobody"));
        refused(404, "Unknown connector", ResourceNotFoundException.class, () -> client.restartConnector("nobody"));
        refused(404, "Unknown task", ResourceNotFoundException.class, () -> client.restartConnectorTask(name, 7));
        refused(404, "nobody not found", ResourceNotFoundException.class, () -> client.deleteConnector("nobody"));
        refused(409, "already exists", ConcurrentConfigModificationException.class,
            () -> client.addConnector(creation(name, config)));
        refused(400, "topic", InvalidRequestException.class,
            () -> client.addConnector(creation("wrong", Map.of("connector.class", CLASS))));
        refused(400, "no such", InvalidRequestException.class,
            () -> client.addConnector(creation("wrong", Map.of("connector.class", "no such class"))));
    }

    private ConnectorPluginConfigValidationResults validate(Map<String, String> config) {
        return client.validateConnectorPluginConfig(new ConnectorPluginConfigDefinition(CLASS, config));
    }

    private void untilTaskIs(String wanted) throws Exception {
        until("the task to be " + wanted, () -> {
            var status = client.getConnectorStatus(name);
            return state(status).equals(wanted) && status.getTasks().size() == 1
                && status.getTasks().get(0).getState().equals(wanted);
        });
    }

    private static NewConnectorDefinition creation(String name, Map<String, String> config) {
        return NewConnectorDefinition.newBuilder().withName(name).withConfig(config).build();
    }

    private static String state(ConnectorStatus status) {
        return status.getConnector().get("state");
    }

    private static void refused(int code, String text, Class<? extends InvalidRequestException> kind, Runnable call) {
        try {
            call.run();
        } catch (InvalidRequestException refusal) {
            check("class of the refusal", kind, refusal.getClass());
            check("code of the refusal", code, refusal.getErrorCode());
            holds(refusal.getMessage(), refusal.getMessage().contains(text));
            return;
        }
        throw new AssertionError("expected a refusal with " + code);
    }

    private static void until(String what, BooleanSupplier holds) throws InterruptedException {
        var end = Instant.now().plus(LIMIT);
        while (!holds.getAsBoolean()) {
            holds("waited " + LIMIT + " in vain: " + what, Instant.now().isBefore(end));
            Thread.sleep(20);
        }
    }

    private static void check(String what, Object expected, Object found) {
        holds(what + ": expected " + expected + ", got " + found, expected.equals(found));
    }

    private static void holds(String what, boolean holds) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
