import Testing

@testable import PostgreSQL

@Suite struct StatementCacheTests {
    private func key(_ text: String) -> StatementCache.Key {
        StatementCache.Key(text: text, types: [])
    }

    private func prepare(_ text: String, in cache: inout StatementCache) -> StatementCache.Statement? {
        guard case .new(let statement) = cache.find(key(text)) else { return nil }
        cache.confirm(statement)
        return statement
    }

    @Test func `the least recently used statement is evicted and deallocated`() {
        var cache = StatementCache(capacity: 2)
        _ = prepare("a", in: &cache)
        let second = prepare("b", in: &cache)
        guard case .prepared = cache.find(key("a")) else { return #expect(Bool(false)) }
        _ = prepare("c", in: &cache)
        #expect(cache.takeAbandoned().map(\.name) == [second?.name])
        guard case .prepared = cache.find(key("a")) else { return #expect(Bool(false)) }
        guard case .new = cache.find(key("b")) else { return #expect(Bool(false)) }
    }

    @Test func `the same text with other types is another statement`() {
        var cache = StatementCache(capacity: 2)
        _ = cache.find(.init(text: "SELECT $1", types: [20]))
        guard case .new = cache.find(.init(text: "SELECT $1", types: [25])) else { return #expect(Bool(false)) }
    }

    @Test func `a statement that was never prepared is not deallocated`() throws {
        var cache = StatementCache(capacity: 1)
        guard case .new(let statement) = cache.find(key("a")) else { return #expect(Bool(false)) }
        var answer = PipelineAnswer()
        answer.statements = ["a", "b"]
        answer.steps = [.prepare(statement, at: 0), .execute(statement, at: 0), .deallocate(statement)]
        for reply: Link.Reply in [.failed(PostgresError(.server(sqlState: "42601"), "syntax")), .end, .skipped, .end, .skipped, .end] {
            #expect(try !answer.take(reply, &cache))
        }
        #expect(try answer.take(.synchronized, &cache))
        #expect(cache.takeAbandoned().isEmpty)
        #expect(answer.outcome.error?.statementIndex == 0)
        guard case .new = cache.find(key("a")) else { return #expect(Bool(false)) }
    }
}
