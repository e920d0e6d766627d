package tools;

import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Counts the expectations that were met; the first that is not ends the part. */
final class Check {
    private int met;

    int met() {
        return met;
    }

    void same(String what, Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError(what + ": expected " + expected + ", got " + actual);
        }
        met++;
    }

    /** The pattern is somewhere in the text. Its groups are in what is returned. */
    Matcher found(String what, String pattern, String text) {
        Matcher matcher = Pattern.compile(pattern, Pattern.MULTILINE).matcher(text);
        if (!matcher.find()) {
            throw new AssertionError(what + ": expected /" + pattern + "/ in: " + text);
        }
        met++;
        return matcher;
    }

    void absent(String what, String pattern, String text) {
        if (Pattern.compile(pattern, Pattern.MULTILINE).matcher(text).find()) {
            throw new AssertionError(what + ": expected no /" + pattern + "/ in: " + text);
        }
        met++;
    }

    void until(String what, int seconds, Callable<Boolean> reached) throws Exception {
        long deadline = System.nanoTime() + seconds * 1_000_000_000L;
        while (!reached.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(what + ": not within " + seconds + " s");
            }
            Thread.sleep(100);
        }
        met++;
    }
}
