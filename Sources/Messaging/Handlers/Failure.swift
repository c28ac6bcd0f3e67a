import Contracts
import PostgreSQL

/// Why a message could not be handled. `cause` is a stable code that groups dead letters; `detail` is written for operators
/// and must not contain secrets.
public struct Failure: Error, Sendable, Equatable {
    public enum Remedy: Sendable, Equatable {
        /// The same message may succeed later.
        case retry
        /// The server that the worker needs is unavailable: no message at all can be handled.
        case waitForServer
        /// The reply to a COMMIT was lost, so the message may have been handled: the inbox is queried again for its id until the answer is known.
        case askInbox
        /// It can never succeed as it is: the fault is in the message itself.
        case deadLetter
    }

    public let cause: String
    public let detail: String
    public let remedy: Remedy

    public init(_ cause: String, _ detail: String, remedy: Remedy = .deadLetter) {
        self.cause = cause
        self.detail = detail
        self.remedy = remedy
    }

    /// No operation of this service has the name.
    init(unknown operation: String) {
        self.init("unknown-operation", "'\(operation.prefix(100))' is not an operation of this service")
    }

    /// Classifies any error for the message whose handling threw it.
    public init(_ error: any Error) {
        switch error {
        case let failure as Failure:
            self = failure
        case let problem as Problem:
            let detail = problem.errors?.map { "\($0.field): \($0.detail)" }.joined(separator: "; ") ?? problem.detail
            // A `Problem` blames the input, unless a handler threw a 503.
            self.init(
                problem.type.split(separator: "/").last.map(String.init) ?? problem.type, detail,
                remedy: problem.status < 500 ? .deadLetter : .retry)
        case let error as PostgresError:
            self.init(error)
        case is CancellationError:
            self.init("cancelled", "the worker was stopped", remedy: .retry)
        default:
            // Nothing says that the message is at fault.
            self.init("unexpected-error", String(describing: error), remedy: .retry)
        }
    }

    private init(_ error: PostgresError) {
        switch error.code {
        case .connection, .acquisitionTimeout, .poolExhausted:
            self.init("database-unavailable", error.message, remedy: .waitForServer)
        case .commitUnknown:
            self.init("commit-unknown", error.message, remedy: .askInbox)
        case .server(let sqlState):
            switch SQLStateBlame(sqlState) {
            case .message, .messageOrRace: self.init("database-error", error.message)
            case .race: self.init("database-transient", error.message, remedy: .retry)
            case .circumstances: self.init("database-error", error.message, remedy: .retry)
            case .server: self.init("database-unavailable", error.message, remedy: .waitForServer)
            }
        case .decoding, .poolClosed, .cancelled, .protocolViolation, .misuse, .configuration, .migrationRefused:
            self.init("database-error", error.message, remedy: .retry)
        }
    }

    /// Whether another transaction was in the way, so that the same work is likely to succeed a moment later.
    static func isRace(_ error: any Error) -> Bool {
        guard let sqlState = (error as? PostgresError)?.sqlState else { return false }
        return [.race, .messageOrRace].contains(SQLStateBlame(sqlState))
    }
}
