package tools;

import java.util.ArrayList;
import java.util.List;

/** Kafka's command lines against one broker. */
record Commands(String bootstrap) {
    private static final String PACKAGE = "org.apache.kafka.tools.";

    Shell.Outcome call(String tool, String input, String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of("--bootstrap-server", bootstrap));
        all.addAll(List.of(arguments));
        return Shell.run(tool.contains(".admin.") ? tool : PACKAGE + tool, input, all);
    }

    /** What the tool printed; it must end well. */
    String well(Check check, String tool, String... arguments) throws Exception {
        Shell.Outcome outcome = call(tool, "", arguments);
        if (outcome.code() != 0) {
            throw new AssertionError(tool + " " + List.of(arguments) + " ended with " + outcome);
        }
        check.same(tool + "'s exit code", 0, outcome.code());
        return outcome.text();
    }
}
