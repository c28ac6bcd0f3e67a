import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL
import Secrets

/// Groups of terms that match each other.
struct SynonymGroups: Sendable, Codable {
    /// In all groups: every search scans them.
    static let maximumTerms = 2_000
    static let maximumTermLength = 100

    let groups: [[String]]

    struct Input: Sendable {
        let groups: [[String]]
        let ifMatch: EntityTags?
    }

    static func read(_ request: Request) throws -> Input {
        try Fields.read(request) { fields in
            let given = fields.optionalJSON("groups", [[String]].self, named: "a list of groups, each a list of terms", maximumBytes: 262_144)
            let groups = given?.map { $0.map(\.nfc) } ?? []
            if given == nil, fields.errors.isEmpty { fields.note("groups", "is required") }
            if groups.contains(where: { $0.count < 2 }) { fields.note("groups", "must be groups of two terms or more") }
            if groups.reduce(0, { $0 + $1.count }) > maximumTerms { fields.note("groups", "must have at most \(maximumTerms) terms in all") }
            if groups.joined().contains(where: { $0.hasControls() || !(1...maximumTermLength).contains($0.unicodeScalars.count) || !$0.contains { $0.isLetter || $0.isNumber } }) {
                fields.note("groups", "must hold terms of 1 to \(maximumTermLength) characters, with a letter or a digit and no control character")
            }
            return Input(groups: groups, ifMatch: fields.ifMatch())
        }
    }
}

struct Synonyms: Sendable {
    func get(_ items: [IncomingMessage<Void>], on connection: any SQLConnection) async throws -> [Outcome] {
        let reply = try reply(try await SynonymStore.all(on: connection))
        return items.map { _ in .done(reply) }
    }

    func put(_ items: [IncomingMessage<SynonymGroups.Input>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await ProductStore.lock(on: transaction)
        var current = try await SynonymStore.all(on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            if let ifMatch = item.input.ifMatch, !ifMatch.match(try etag(current)) {
                outcomes.append(.refused(.changed("The list of synonyms has")))
                continue
            }
            current = SynonymGroups(groups: item.input.groups)
            try await SynonymStore.replace(current, on: transaction)
            outcomes.append(.done(try reply(current)))
        }
        return outcomes
    }

    private func reply(_ groups: SynonymGroups) throws -> Reply {
        try Reply(headers: ["etag": try etag(groups)], json: groups)
    }

    private func etag(_ groups: SynonymGroups) throws -> String {
        "\"\(Base64URL.encode(SHA256.hash(try JSON.encode(groups))))\""
    }
}

private enum SynonymStore {
    static func all(on connection: any SQLConnection) async throws -> SynonymGroups {
        let rows = try await connection.query(
            "SELECT array_agg(term ORDER BY place) AS terms FROM synonyms GROUP BY group_number ORDER BY group_number LIMIT \(SynonymGroups.maximumTerms)")
        return SynonymGroups(groups: try rows.map { try $0.decode("terms") })
    }

    static func replace(_ groups: SynonymGroups, on transaction: any SQLConnection) async throws {
        let terms = groups.groups.enumerated().flatMap { number, group in group.enumerated().map { (group: number, place: $0, term: $1) } }
        _ = try await transaction.pipeline([
            "DELETE FROM synonyms",
            """
            INSERT INTO synonyms (group_number, place, term)
            SELECT group_number, place, term FROM unnest(\(terms.map(\.group)), \(terms.map(\.place)), \(terms.map(\.term))) AS new (group_number, place, term)
            """,
        ])
    }
}
