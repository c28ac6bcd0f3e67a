import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import ServiceKit

@Suite struct `Importing categories` {
    typealias Row = CategoryPlacement.Row

    /// `boots:shoes` is a row that puts boots into shoes, `shoes:` one that puts shoes at the top, and `shoes` one that does not mention a parent.
    private func rows(_ text: String) -> [Row] {
        text.split(separator: " ").enumerated().map { line, row in
            let parts = row.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
            return Row(line: line + 1, slug: parts[0], name: nil, parent: parts.count == 1 ? nil : .some(parts[1].isEmpty ? nil : parts[1]))
        }
    }

    private func placement(_ text: String, on shelf: String = "") -> CategoryPlacement {
        CategoryPlacement(rows(text), on: CategoryShelf(rows(shelf).map { $0.category(over: nil) }))
    }

    @Test(arguments: [
        ("a b:a c:b", "", "a b c"), ("c:b b:a a", "", "a b c"), ("b:a a: c:b", "", "a b c"), ("b:a", "a", "b"),
        // Swapped: a was above b.
        ("a:b b:", "a b:a", "b a"), ("b: a:b", "a b:a", "b a"), ("a:c c:", "a b:a c:b", "c a"),
        // The row of b does not mention a parent.
        ("b a:c", "a b:a c", "a b"),
    ]) func `rows are placed in any order, parents first`(file: String, shelf: String, order: String) {
        let placement = placement(file, on: shelf)
        #expect(placement.placed.map(\.new.slug).joined(separator: " ") == order)
        #expect(placement.waiting.isEmpty)
        for row in rows(file) { #expect(placement.shelf[row.slug]?.parent == row.parent.flatMap(\.self) ?? placement.shelf[row.slug]?.parent) }
    }

    @Test(arguments: [
        ("b:a", "", "b: no parent a"), ("c:b b:a d", "", "c: no parent b, b: no parent a"), ("a:a", "", "a: a in a"), ("a:b b:a", "", "a: a in b in a, b: b in a in b"),
        ("a:b", "a b:a", "a: a in b in a"), ("a:c b", "a b:a c:b", "a: a in c in b in a"), ("d:a a:b b:a", "", "d: no parent a, a: a in b in a, b: b in a in b"),
        // Without the row that would form the cycle, b stays where it is, and d may move into it.
        ("a:b d:b", "a b:a", "a: a in b in a"),
    ]) func `rows wait until their parents exist and cycles are broken`(file: String, shelf: String, expected: String) {
        let waiting = placement(file, on: shelf).waiting.map { row, obstacle in
            switch obstacle {
            case .noParent(let parent): "\(row.slug): no parent \(parent)"
            case .cycle(let path): "\(row.slug): \(path.joined(separator: " in "))"
            case .full: "\(row.slug): full"
            }
        }
        #expect(waiting.joined(separator: ", ") == expected)
    }

    @Test func `there are never more categories than allowed`() {
        let shelf = CategoryShelf((1..<Category.maximumCount).map { Category(slug: "\($0)", name: "", parent: nil) })
        let placement = CategoryPlacement(rows("b:a a c 1:"), on: shelf)
        #expect(placement.placed.map(\.new.slug) == ["a", "1"])
        #expect(placement.waiting.map(\.obstacle) == [.full, .full])
    }

    @Test func `a category that is not created for lack of room leaves no cycle below it`() {
        let shelf = CategoryShelf((0..<Category.maximumCount - 2).map { Category(slug: "\($0)", name: "", parent: nil) } + rows("a: b:a").map { $0.category(over: nil) })
        let placement = CategoryPlacement(rows("b:n n: a:b"), on: shelf)
        #expect(placement.placed.isEmpty)
        #expect(placement.waiting.map(\.obstacle) == [.noParent("n"), .full, .cycle(["a", "b", "a"])])
    }

    @Test func `a view of categories ends, even if they form a cycle`() {
        let shelf = CategoryShelf(rows("a:b b:a").map { $0.category(over: nil) })
        #expect(shelf["a"].map { shelf.view(of: $0).children.map(\.slug) } == ["b"])
    }

    @Test func `the path of a large cycle is not stored in full for each of its rows`() {
        let count = 1_000
        let placement = placement((0..<count).map { "\($0):\(($0 + 1) % count)" }.joined(separator: " "))
        #expect(placement.waiting.count == count)
        for case .cycle(let path) in placement.waiting.map(\.obstacle) { #expect(path.count == 11) }
        #expect(placement.waiting.first?.obstacle.reason.hasSuffix(" in 9 in …") == true)
    }

    @Test(arguments: [false, true]) func `a parent may come later in the file, even in another step, and rows that wait in vain are rejected`(isDry: Bool) async throws {
        let shop = try await Shop()
        _ = try await shop.importing("slug,parent\nold,\nolder,old\n", kind: "categories")
        // Two of these lines fill what a step reads.
        let note = String(repeating: "n", count: 250_000)
        let file = "slug,parent,note\n" + ["c,b", "x,y", "old,older", "e,none", "y,x", "b,a", "older,", "a,"].map { "\($0),\(note)\n" }.joined()
        let view = try await shop.importing(file, kind: "categories", ["dryRun": "\(isDry)"], piece: 200_000)
        #expect([view.rows, view.accepted, view.changed, view.rejectedRows] == [8, 5, 5, 3])
        #expect(view.rejected.map(\.line) == [3, 5, 6])
        #expect(view.rejected.map(\.column) == ["parent", "parent", "parent"])
        #expect(view.rejected.map(\.value) == ["y", "none", "x"])
        #expect(view.rejected.first?.reason.contains("x in y in x") == true)
        let shelf = try await shop.harness.database.withConnection { try await CategoryStore.all(on: $0) }
        #expect(shelf["c"]?.parent == (isDry ? nil : "b"))
        #expect(shelf["old"]?.parent == (isDry ? nil : "older"))
        #expect(shelf.bySlug.count == (isDry ? 2 : 5))
        await shop.harness.database.close()
    }
}
