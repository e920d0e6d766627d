package conformance;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** The records of the suite, each computed from its number alone. README.md of the suite has the rule in words. */
final class Dataset {
    static final long FIRST_TIMESTAMP = 1_700_000_000_000L;

    private static final String GREEK =
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mü nü ξ π \ud83e\udd80";
    private static final byte[] EMPTY = {};
    private static final byte[] TAPE = makeTape();

    /** What kcat puts on every record. */
    private static final List<Header> LINE_HEADERS = List.of(
            new Header("trace", bytes("conformance")),
            new Header("nullheader", null),
            new Header("emptyheader", EMPTY),
            new Header("trace", bytes("again")),
            new Header("ключ", bytes("значение")));

    record Header(String name, byte[] value) {}

    /** The timestamp is negative where the client stamps records itself. */
    record Item(byte[] key, byte[] value, List<Header> headers, long timestamp) {}

    private Dataset() {}

    private static int mix(int x) {
        x ^= x >>> 16;
        x *= 0x7feb352d;
        x ^= x >>> 15;
        x *= 0x846ca68b;
        return x ^ (x >>> 16);
    }

    private static byte[] makeTape() {
        String[] words = GREEK.split(" ");
        ByteBuffer tape = ByteBuffer.allocate(65536 + 2048);
        int x = 0x2545f491;
        while (tape.hasRemaining()) {
            x ^= x << 13;
            x ^= x >>> 17;
            x ^= x << 5;
            if ((x & 3) == 0) {
                tape.put((byte) (x >>> 24));
            } else {
                byte[] word = bytes(words[(x >>> 8) & 15] + " ");
                tape.put(word, 0, Math.min(word.length, tape.remaining()));
            }
        }
        return tape.array();
    }

    static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static byte[] slice(int start, int length) {
        return Arrays.copyOfRange(TAPE, start, start + length);
    }

    static Item item(int i, String shape, boolean keyed) {
        int a = mix(i + 1);
        int b = mix(a);
        int c = mix(b);

        int role = a & 15;
        byte[] key = role == 0 ? null : EMPTY;
        if (role > 1 || keyed) {
            byte[] number = bytes("k" + i + ":");
            byte[] text = slice(a >>> 16, (a >>> 4) & 31);
            key = Arrays.copyOf(number, number.length + text.length);
            System.arraycopy(text, 0, key, number.length, text.length);
        }

        int size = b & 63;
        int room = b >>> 8;
        byte[] value = size == 0 ? null : EMPTY;
        if (size > 1) {
            value = slice(b >>> 16, size < 4 ? 512 + room % 1537 : size < 12 ? 128 + room % 385 : room % 129);
        }

        if (shape.equals("lines")) {
            value = value == null ? EMPTY : value;
            key = key == null && value.length == 0 ? EMPTY : key;
            return new Item(key, value, LINE_HEADERS, -1);
        }
        if (shape.equals("keyed-or-valued") && key == null && value == null) {
            value = EMPTY;
        }
        long timestamp = FIRST_TIMESTAMP + i * 10L + (c >>> 3) % 1000;
        return new Item(key, value, headers(i, c, shape.equals("grouped")), timestamp);
    }

    private static List<Header> headers(int i, int c, boolean grouped) {
        byte[] text = slice(c >>> 16, (c >>> 8) & 31);
        byte[] number = bytes(String.valueOf(i));
        return switch (c & 7) {
            case 3 -> List.of(new Header("trace", number));
            case 4 -> List.of(new Header("ключ-ß-\ud83e\udd80", text));
            case 5 -> List.of(
                    new Header("empty", EMPTY),
                    new Header("binary", ByteBuffer.allocate(4).putInt(mix(c)).array()));
            case 6 -> {
                Header first = new Header("dup", number);
                Header other = new Header("other", text);
                Header second = new Header("dup", EMPTY);
                yield grouped ? List.of(first, second, other) : List.of(first, other, second);
            }
            case 7 -> List.of(new Header("null", grouped ? EMPTY : null), new Header("after", number));
            default -> List.of();
        };
    }
}
