import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

/// Existing sessions: their owners, and their end.
struct Sessions: Sendable {
    /// The interval, in seconds, at which use of a session is recorded: one write a minute and session, however many requests arrive.
    static let sightingInterval: TimeInterval = 60

    let clock: any WallClock

    func resolve(_ items: [IncomingMessage<ResolveSession>], on connection: any SQLConnection) async throws -> [Outcome] {
        let hashes = items.map { TokenHash.decode($0.input.tokenHash) }
        let now = clock.now()
        let found = try await Store.users(of: hashes.compactMap(\.self), now: now, on: connection)
        let seen = zip(items, hashes).compactMap { item, hash -> Sighting? in
            guard let hash, let session = found[hash], session.lastSeenAt < now.addingTimeInterval(-Self.sightingInterval) else { return nil }
            return Sighting(tokenHash: hash, address: item.input.address, agent: item.input.agent)
        }
        // A failure here does not concern the requester.
        try? await Store.note(seen, now: now, on: connection)
        return try hashes.map { hash in
            guard let hash, let session = found[hash] else { return .refused(.notFound("session")) }
            return .done(try Reply(json: session.resolved))
        }
    }

    func list(_ items: [IncomingMessage<ListSessions>], on connection: any SQLConnection) async throws -> [Outcome] {
        let lists = try await Store.sessions(items.map(\.input), now: clock.now(), on: connection)
        return try zip(items, lists).map { item, sessions in
            let page = try Page(sessions, item.input.page) { PageRequest.key($0.createdAt, $0.id) }
            return .done(try Reply(json: page))
        }
    }

    /// Succeeds also when the session had ended before: caches should forget it in any case.
    func endCurrent(_ items: [IncomingMessage<CurrentSession>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await Store.end(items.map { ($0.input.userID, $0.input.tokenHash) }, on: transaction)
        return try items.map { try ended($0.input.userID) }
    }

    /// Ends one of the caller's own sessions, wherever it is in use.
    func end(_ items: [IncomingMessage<OwnSession>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let ended = try await Store.end(items.map { ($0.input.userID, $0.input.id) }, on: transaction)
        return try items.map { item in
            guard ended.contains(item.input.id) else { return .refused(.notFound("session")) }
            return try self.ended(item.input.userID)
        }
    }

    func endAll(_ items: [IncomingMessage<Own>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await Store.endAll(of: items.map(\.input.userID), on: transaction)
        return try items.map { try ended($0.input.userID) }
    }

    private func ended(_ userID: UUID) throws -> Outcome {
        .done(.noContent, emit: [try .sessionRevoked(userID)])
    }
}
