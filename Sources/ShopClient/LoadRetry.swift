import WebClient

/// Whether and when to retry: the decision only.
package enum LoadRetry {
    static let firstPause = Duration.milliseconds(50)
    package static let longestPause = Duration.seconds(2)
    /// A shop that asks for a longer wait is asked earlier: the run would be over.
    static let longestRetryAfter = Duration.seconds(30)
    /// An internal error may pass, but one that stays is a final answer.
    static let maximumInternalErrors = 8

    /// Why there is no final answer yet.
    package struct Passing: Sendable, Equatable {
        /// In a word or two, for counting: `503`, `not reached`.
        package let reason: String
        package var retryAfter: Duration?
    }

    /// Nil when the answer is final.
    package static func passing(status: Int, retryAfter: String?, internalErrors: Int) -> Passing? {
        switch status {
        case 429, 502, 503, 504:
            Passing(reason: "\(status)", retryAfter: retryAfter.flatMap { Int($0) }.map { .seconds(max(0, $0)) })
        case 500 where internalErrors < maximumInternalErrors: Passing(reason: "500")
        default: nil
        }
    }

    /// Nil when a retry cannot succeed.
    package static func passing(_ error: WebClientError) -> Passing? {
        switch error.code {
        case .couldNotConnect: Passing(reason: "not reached")
        case .timedOut: Passing(reason: "timed out")
        case .connectionLost, .badResponse: Passing(reason: "connection lost")
        case .overloaded: Passing(reason: "overloaded")
        case .invalidURL, .invalidRequest, .tls, .tooLarge, .cancelled, .shutDown, .smtp, .failed: nil
        }
    }

    /// How long to wait before the next attempt: doubled each time, with jitter.
    /// - Parameters:
    /// - attempts: How many have been made, from 1 on.
    ///   - draw: Uniform in `0 ..< 1`.
    package static func pause(after attempts: Int, _ passing: Passing, draw: Double) -> Duration {
        let doubled = min(longestPause, firstPause * (1 << min(attempts - 1, 10)))
        let own = doubled * (0.5 + draw / 2)
        guard let retryAfter = passing.retryAfter else { return own }
        return min(retryAfter, longestRetryAfter) + own
    }
}
