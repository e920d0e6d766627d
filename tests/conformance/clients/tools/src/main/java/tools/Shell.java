package tools;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/** Runs tools as a shell would, but all in this JVM: starting one takes longer than what most of them do. */
final class Shell {
    private static final ByteArrayOutputStream CAUGHT = new ByteArrayOutputStream();
    private static final InputStream TERMINAL = System.in;
    private static final List<Runnable> AT_EXIT = new ArrayList<>();
    private static final List<Integer> CODES = new ArrayList<>();

    private Shell() {}

    /** What a tool printed, to either stream, and its exit code. */
    record Outcome(String text, int code) {}

    private static final class Ended extends Error {
        private static final long serialVersionUID = 1;

        Ended() {
            super(null, null, false, false);
        }
    }

    /** Must come before any class of a tool is loaded: some of them keep the stream they find. */
    static void take() {
        PrintStream caught = new PrintStream(CAUGHT, true, UTF_8);
        System.setOut(caught);
        System.setErr(caught);
        Exit.setExitProcedure((code, message) -> end(code));
        Exit.setHaltProcedure((code, message) -> end(code));
        Exit.setShutdownHookAdder((name, hook) -> AT_EXIT.add(hook));
    }

    /** Some tools catch all that is thrown, this too, and exit once more: the first time counts. */
    private static void end(int code) {
        CODES.add(code);
        throw new Ended();
    }

    static Outcome run(String tool, String input, List<String> arguments) throws Exception {
        CAUGHT.reset();
        System.setIn(new ByteArrayInputStream(input.getBytes(UTF_8)));
        CODES.clear();
        try {
            Object given = arguments.toArray(new String[0]);
            Class.forName(tool).getMethod("main", String[].class).invoke(null, given);
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof Ended)) {
                throw thrown;
            }
        } finally {
            System.setIn(TERMINAL);
            AT_EXIT.forEach(Runnable::run);
            AT_EXIT.clear();
        }
        return new Outcome(CAUGHT.toString(UTF_8), CODES.isEmpty() ? 0 : CODES.get(0));
    }
}
