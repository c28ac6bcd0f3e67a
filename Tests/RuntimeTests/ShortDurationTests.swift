import Testing

@testable import Runtime

@Suite struct ShortDurationTests {
    @Test(arguments: [("90s", 90), ("15m", 900), ("36h", 129_600), ("8d", 691_200), ("1d", 86_400), ("10d", 864_000)])
    func `a number and a unit are a duration`(text: String, seconds: Int) {
        #expect(ShortDuration.seconds(text, atMost: 864_000) == seconds)
    }

    @Test(arguments: ["", "s", "15", "m15", "0s", "-1h", "1.5h", "1 h", "1w", "11d", "864001s", "99999999999999999999d", "9223372036854775807d"])
    func `other texts, and durations that are not positive or too long, are none`(text: String) {
        #expect(ShortDuration.seconds(text, atMost: 864_000) == nil)
    }
}
