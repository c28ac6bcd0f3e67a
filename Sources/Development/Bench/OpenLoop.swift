import FoundationEssentials
import Synchronization
import WebClient

/// Requests at a fixed rate, whether or not earlier ones have been answered: customers who do not wait for each other.
struct OpenLoop: Sendable {
    /// Unanswered requests at once. Beyond this a request is not sent, and is reported: then not only the shop was measured.
    static let maximumUnanswered = 8_000
    private static let tick = Duration.milliseconds(5)

    /// The outcomes of all requests. Times count from the moment at which a request was due, so that a slow generator does not improve the figures.
    struct Answers: Sendable {
        var accepted: [Duration] = []
        /// 503 with Retry-After.
        var refused: [Duration] = []
        /// 504: the outcome is unknown.
        var late = 0
        /// Any other answer or none, by kind.
        var others: [String: Int] = [:]
        var unsent = 0

        var sent: Int { accepted.count + refused.count + late + others.values.reduce(0, +) }
    }

    private final class Book: Sendable {
        struct State {
            var answers = Answers()
            var unanswered = 0
        }

        let state = Mutex(State())

        /// False when too many are unanswered.
        func begin() -> Bool {
            state.withLock { state in
                guard state.unanswered < maximumUnanswered else {
                    state.answers.unsent += 1
                    return false
                }
                state.unanswered += 1
                return true
            }
        }

        func end(_ result: Result<WebResponse, WebClientError>, _ took: Duration) {
            state.withLock { state in
                state.unanswered -= 1
                state.answers.note(result, took)
            }
        }
    }

    /// Requests a second.
    let rate: Double
    let total: Int

    /// Returns when all have been answered, with the seconds for which requests were sent, and the result of `onSent` at the end of them.
    func run<Seen: Sendable>(
        _ send: @escaping @Sendable (Int) async throws(WebClientError) -> WebResponse, onSent: @escaping @Sendable () async throws -> Seen
    ) async throws -> (answers: Answers, seconds: Double, seen: Seen) {
        let book = Book()
        let clock = ContinuousClock()
        let start = clock.now
        let (seconds, seen) = try await withThrowingTaskGroup(of: Void.self) { group in
            var next = 0
            while next < total {
                let due = min(total, Int((clock.now - start).seconds * rate) + 1)
                while next < due {
                    let number = next
                    next += 1
                    guard book.begin() else { continue }
                    let dueAt = start + .seconds(Double(number) / rate)
                    group.addTask {
                        let result: Result<WebResponse, WebClientError>
                        do throws(WebClientError) {
                            result = .success(try await send(number))
                        } catch {
                            result = .failure(error)
                        }
                        book.end(result, clock.now - dueAt)
                    }
                }
                try await clock.sleep(for: Self.tick)
            }
            let seconds = (clock.now - start).seconds
            let seen = try await onSent()
            try await group.waitForAll()
            return (seconds, seen)
        }
        return (book.state.withLock { $0.answers }, seconds, seen)
    }
}

extension OpenLoop.Answers {
    fileprivate mutating func note(_ result: Result<WebResponse, WebClientError>, _ took: Duration) {
        switch result {
        case .success(let response) where response.isSuccess: accepted.append(took)
        case .success(let response) where response.status == 503 && response.first("retry-after") != nil: refused.append(took)
        case .success(let response) where response.status == 504: late += 1
        case .success(let response): others["status \(response.status)", default: 0] += 1
        case .failure(let error): others["\(error.code)", default: 0] += 1
        }
    }
}
