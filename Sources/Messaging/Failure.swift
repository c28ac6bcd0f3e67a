import Contracts
import PostgreSQL

/// Why a message could not be handled. `cause` is a stable code by which dead letters are grouped; `detail` is for people
/// and must hold no secret.
public struct Failure: Error, Sendable, Equatable {
    public enum Remedy: Sendable, Equatable {
        /// The same message may go through later.
        case retry
        /// The server that the worker needs is away: no message can be handled, whichever it is.
        case waitForServer
        /// It will never go through as it is.
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

    /// What any error means for the message that met it.
    public init(_ error: any Error) {
        switch error {
        case let failure as Failure:
            self = failure
        case let problem as Problem:
            let detail = problem.errors?.map { "\($0.field): \($0.detail)" }.joined(separator: "; ") ?? problem.detail
            self.init(problem.type.split(separator: "/").last.map(String.init) ?? problem.type, detail)
        case let error as PostgresError where error.isTransient:
            switch error.code {
            case .connection, .acquisitionTimeout, .poolExhausted:
                self.init("database-unavailable", error.message, remedy: .waitForServer)
            default:
                self.init("database-transient", error.message, remedy: .retry)
            }
        case let error as PostgresError:
            self.init("database-error", error.message)
        case is CancellationError:
            self.init("cancelled", "the worker was stopped", remedy: .retry)
        default:
            self.init("unexpected-error", String(describing: error))
        }
    }
}
