import FoundationEssentials
import PostgreSQL

/// Ids after one and up to another, in PostgreSQL's order, which is Swift's: byte by byte.
struct AuditRange: Sendable {
    static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    static let last = UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))

    let after: UUID
    let upTo: UUID

    func contains(_ id: UUID) -> Bool { after < id && id <= upTo }
}

/// Which rows of other services belong to a page of orders.
enum AuditSelection: Sendable {
    /// All rows in the range of the page, including those without an order.
    case range(AuditRange)
    /// Only rows of the page's orders.
    case orders([UUID])

    /// A condition on the column that holds the order's id.
    func holds(_ column: String) -> SQL {
        switch self {
        case .range(let range): "\(raw: column) > \(range.after) AND \(raw: column) <= \(range.upTo)"
        case .orders(let ids): "\(raw: column) = ANY(\(ids))"
        }
    }
}
