import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL

/// Letters for administrators.
struct Reading: Sendable {
    func list(_ items: [IncomingMessage<ListLetters>], _ database: any Database) async throws -> [Outcome] {
        let plain = items.map(\.input).filter { !$0.filter.isSearch }
        var lists = try await plain.isEmpty ? [] : database.withConnection { try await DeadLetterStore.lists(plain, on: $0) }[...]
        var outcomes: [Outcome] = []
        for item in items {
            let found = try await item.input.filter.isSearch ? DeadLetterStore.search(item.input, on: database) : lists.popFirst()
            guard let found else {
                outcomes.append(.refused(.searchTooBroad))
                continue
            }
            let page = try Page(found.letters.map(LetterSummaryView.init), item.input.page) { PageRequest.key($0.lastSeenAt, $0.id) }
            outcomes.append(.done(try Reply(json: LettersView(items: page.items, nextCursor: page.nextCursor, causes: found.causes))))
        }
        return outcomes
    }

    func get(_ items: [IncomingMessage<LetterPart>], on connection: any SQLConnection) async throws -> [Outcome] {
        var letters: [LetterPart: DeadLetter] = [:]
        for (offset, items) in Dictionary(grouping: items, by: \.input.bodyOffset) {
            for (id, letter) in try await DeadLetterStore.find(items.map(\.input.id), bodyFrom: offset, on: connection) {
                letters[LetterPart(id: id, bodyOffset: offset)] = letter
            }
        }
        return try items.map { item in
            guard let letter = letters[item.input] else { return .refused(.notFound("dead letter")) }
            return .done(try Reply(tagged: LetterView(summary: LetterSummaryView(letter.summary), letter: letter)))
        }
    }
}
