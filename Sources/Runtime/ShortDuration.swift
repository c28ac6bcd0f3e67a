/// Durations as people write them: a number and `s`, `m`, `h` or `d`, as in `90s`, `15m`, `36h` or `8d`.
public enum ShortDuration {
    private static let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]

    /// The duration in seconds; nil for any other text, and for a duration that is not positive or longer than `limit` seconds.
    public static func seconds(_ text: String, atMost limit: Int) -> Int? {
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()), count > 0, count <= limit / unit else { return nil }
        return count * unit
    }
}
