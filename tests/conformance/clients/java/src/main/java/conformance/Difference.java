package conformance;

import java.util.Arrays;
import java.util.Objects;

/** What came back is not what it must be. */
final class Difference extends Exception {
    private static final long serialVersionUID = 1;

    Difference(String message) {
        super(message);
    }

    static void expect(String where, String what, Object expected, Object actual) throws Difference {
        if (!Objects.deepEquals(expected, actual)) {
            throw new Difference(where + ": " + what + ": expected " + show(expected) + ", got " + show(actual));
        }
    }

    private static String show(Object value) {
        String text = value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value);
        return text.length() <= 200 ? text : text.substring(0, 200) + "… (" + text.length() + " characters)";
    }
}
