package tools;

import java.io.PrintStream;
import java.util.Locale;
import org.apache.kafka.common.utils.AppInfoParser;

/** Kafka's tools, Streams and Connect against a broker: {@code Main tools|streams|connect BOOTSTRAP PREFIX FOLDER}. */
final class Main {
    /** What the tools print is caught; this is where the results go. */
    private static final PrintStream RESULTS = System.out;

    private static boolean allWell = true;

    private Main() {}

    interface Part {
        void run(Check check) throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        String bootstrap = arguments[1];
        String prefix = arguments[2];
        switch (arguments[0]) {
            case "tools" -> new Tools(bootstrap, prefix, arguments[3]).run();
            case "streams" -> report("streams", new WordCount(bootstrap, prefix, arguments[3])::run);
            case "connect" -> report("connect", new FileToFile(bootstrap, prefix, arguments[3])::run);
            default -> throw new IllegalArgumentException("no such part: " + arguments[0]);
        }
        Runtime.getRuntime().halt(allWell ? 0 : 1);
    }

    /** Runs one part and prints one line about it. */
    static void report(String name, Part part) {
        long started = System.nanoTime();
        Check check = new Check();
        String result = "ok";
        try {
            part.run(check);
        } catch (Exception | AssertionError error) {
            error.printStackTrace();
            String text = error.toString();
            text = text.length() > 1500 ? text.substring(0, 1500) + "…" : text;
            result = "FAILED difference=\"" + text.replace('\n', '|').replace('"', '\'') + "\"";
            allWell = false;
        }
        RESULTS.printf(
                Locale.ROOT,
                "client=%s version=%s mode=tool checks=%d seconds=%.2f result=%s%n",
                name,
                AppInfoParser.getVersion(),
                check.met(),
                (System.nanoTime() - started) / 1e9,
                result);
        RESULTS.flush();
    }
}
