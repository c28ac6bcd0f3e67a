import LocalState
import Terminal
import WebClient

/// Asks processes over HTTP whether they are ready.
struct ReadinessProbe: Sendable {
    static let limit = Duration.seconds(180)
    private static let pause = Duration.milliseconds(50)
    private static let timeout = Duration.seconds(5)

    let transport: any HTTPTransport
    let startGuard: StartGuard

    /// Returns when every URL, one after the other, has been answered with a 2xx status by the expected process.
    /// - Parameter isMeant: whether the listener is the expected process.
    /// - Throws: ``UpError`` with code `start` after 180 seconds, or when the start is given up; `CancellationError`.
    func wait(for urls: [String], from isMeant: () async -> Bool = { true }) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.limit
        for url in urls {
            var answer = "nothing"
            while true {
                do {
                    let response = try await transport.send(WebRequest(url: url, timeout: Self.timeout))
                    let isOurs = await isMeant()
                    if response.isSuccess, isOurs { break }
                    answer = isOurs ? "" : "another program listens there; "
                    answer += "status \(response.status): \(String(decoding: response.body.prefix(500), as: UTF8.self))"
                } catch {
                    answer = "\(error)"
                }
                try startGuard.check()
                guard clock.now < deadline else {
                    throw UpError(.start, "\(url) was not ready within \(Self.limit.inSeconds); the last answer: \(answer)")
                }
                try await clock.sleep(for: Self.pause)
            }
        }
    }
}
