import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// Letters for administrators.
struct Reading: Sendable {
    func list(_ items: [IncomingMessage<ListLetters>], on connection: any SQLConnection) async throws -> [Outcome] {
        let lists = try await DeadLetterStore.lists(items.map(\.input), on: connection)
        return try zip(items, lists).map { item, found in
            let page = try Page(found.letters.map(LetterSummaryView.init), item.input.page) { PageRequest.key($0.lastSeenAt, $0.id) }
            return .done(
                try Reply(json: LettersView(items: page.items, nextCursor: page.nextCursor, causes: found.causes)))
        }
    }

    func get(_ items: [IncomingMessage<OneLetter>], on connection: any SQLConnection) async throws -> [Outcome] {
        let letters = try await DeadLetterStore.find(items.map(\.input.id), on: connection)
        return try items.map { item in
            guard let letter = letters[item.input.id] else { return .refused(.notFound("dead letter")) }
            var reply = try Reply(json: LetterView(summary: LetterSummaryView(letter.summary), letter: letter))
            reply.headers["etag"] = "\"\(SHA256.hex(reply.body).prefix(32))\""
            return .done(reply)
        }
    }
}
