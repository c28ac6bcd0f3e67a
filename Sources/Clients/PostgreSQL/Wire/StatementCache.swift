import CPostgreSQL

/// Which statements are prepared on a connection, and under which names. The least recently used one gives way.
struct StatementCache {
    struct Key: Hashable {
        let text: String
        let types: [Oid]
    }

    final class Statement {
        let name: String
        let key: Key
        /// Known after the first result.
        var columns: Columns?
        fileprivate(set) var isPrepared = false
        fileprivate var lastUse = 0

        fileprivate init(name: String, key: Key) {
            self.name = name
            self.key = key
        }
    }

    enum Lookup {
        case prepared(Statement)
        /// To be prepared now.
        case new(Statement)
    }

    let capacity: Int
    /// Evicted here but still known to the server, which deallocates them with the next exchange.
    private(set) var abandoned: [Statement] = []
    private var statements: [Key: Statement] = [:]
    private var uses = 0
    private var names = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    mutating func find(_ key: Key) -> Lookup {
        uses += 1
        if let statement = statements[key] {
            statement.lastUse = uses
            return .prepared(statement)
        }
        if statements.count >= capacity, let oldest = statements.values.min(by: { $0.lastUse < $1.lastUse }) {
            statements[oldest.key] = nil
            abandoned.append(oldest)
        }
        names += 1
        let statement = Statement(name: "wharf_\(names)", key: key)
        statement.lastUse = uses
        statements[key] = statement
        return .new(statement)
    }

    /// The server has prepared it.
    func confirm(_ statement: Statement) {
        statement.isPrepared = true
    }

    /// Forgets a statement that the server does not know: it was never prepared, or has been lost.
    mutating func forget(_ statement: Statement) {
        if statements[statement.key] === statement { statements[statement.key] = nil }
        abandoned.removeAll { $0 === statement }
    }

    /// Gives up a statement whose plan the server can no longer use.
    mutating func abandon(_ statement: Statement) {
        guard statements[statement.key] === statement else { return }
        statements[statement.key] = nil
        abandoned.append(statement)
    }

    /// Hands over the statements to be deallocated.
    mutating func takeAbandoned() -> [Statement] {
        defer { abandoned = [] }
        return abandoned
    }

    /// The server did not come to deallocate it.
    mutating func returnAbandoned(_ statement: Statement) {
        if statement.isPrepared { abandoned.append(statement) }
    }
}
