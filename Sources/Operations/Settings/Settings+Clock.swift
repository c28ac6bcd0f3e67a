import FoundationEssentials
public import Runtime
import WebClient

extension Settings {
    /// The system's clock, except in a test shop.
    public var clock: any WallClock {
        testClock.map { TestClock(path: $0) } ?? SystemClock()
    }

    /// A shop whose clock can be advanced must not be a real one: the setting is refused together with a live key or a server on another machine.
    func checkTestClock() throws(SettingError) {
        guard let testClock else { return }
        let urls = [amqpURL(for: ""), postgresURL(for: ""), redisURL, stripe.apiBase] + services.flatMap { [amqpURL(for: $0), postgresURL(for: $0)] }
        // Without a key, no payments are made.
        let used = stripe.apiKey == nil ? urls.filter { $0 != stripe.apiBase } : urls
        let isLive = stripe.apiKey.map(Stripe.isLive) ?? false
        guard !isLive, used.allSatisfy(Self.isHere) else {
            throw SettingError(
                name: Self.testClockName, given: "\"\(testClock)\"", reason: isLive ? "STRIPE_API_KEY is a live key" : "a server is not on this machine",
                accepted: "nothing, but in the processes that wharf-dev up starts")
        }
    }

    static let testClockName = "WHARF_TEST_CLOCK"

    /// Several hosts, or a text that is not a URL, do not count as this machine.
    private static func isHere(_ url: String) -> Bool {
        guard !url.contains(","), let host = URL(string: url)?.host() else { return false }
        return Host.isLoopback(host)
    }
}
