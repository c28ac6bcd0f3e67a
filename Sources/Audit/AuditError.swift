import Assembly
import PostgreSQL
import ShopClient
import Terminal

/// Why an audit could not be made. It says nothing about the state of the shop.
package struct AuditError: Error, Sendable, CustomStringConvertible {
    package let description: String

    static func tooMany(_ what: String) -> AuditError { AuditError(description: "There are \(what).") }
    static func unreadable(_ what: String) -> AuditError { AuditError(description: "Cannot read: \(what).") }

    private init(description: String) {
        self.description = description
    }

    /// Names what was being read where the error does not.
    init(_ error: any Error, reading service: ServiceName) {
        switch error {
        case let error as AuditError: self = error
        case let error as PostgresError:
            let advice = error.sqlState == "42501" ? "; wharf migrate gives the auditor its rights" : ""
            description = "The schema of \(service.rawValue) cannot be read: \(error.message)\(advice)"
        case let error as LoadError: description = "The gateway's ledger cannot be read: \(error.message)"
        default: description = "The schema of \(service.rawValue) cannot be read: \(error)"
        }
    }
}
