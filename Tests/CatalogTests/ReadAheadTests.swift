import FoundationEssentials
import IOThreads
import JSON
import Runtime
import Testing

@testable import Catalog
@testable import Input
@testable import Messaging
@testable import ServiceKit

private struct PatientClock: WallClock {
    func now() -> Date { Date() }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

@Suite struct `Reading ahead` {
    private let file = Array("sku,name,amount,currency\nA,Tea,100,EUR\nB,Cup,,EUR\nC D,Pot,100,EUR\n".utf8)

    private func part(_ form: AmountReader.Form? = nil) throws -> ImportPart {
        let request = try Request(
            "catalog.imports.create", parameters: ["kind": "products", "content-type": "text/csv", "upload": UUID().uuidString])
        var create = request
        create.body = Array(#"{"bytes": \#(file.count)}"#.utf8)
        var job = ImportJob(try NewImport.read(create), by: nil, now: .distantPast)
        job.reader.amounts = form
        return try ImportPart(of: file, job, ImportProducts(randomness: TestRandomness()), now: .distantPast)
    }

    /// Its sleeps end at once.
    private let clock = SetClock()

    private func keep(_ part: ImportPart?, of id: UUID, in ahead: Catalog.ReadAhead) throws {
        #expect(ahead.begin(id, behind: try self.part().before))
        ahead.end(part)
    }

    @Test func `a part that was read ahead can be taken once, by its own import, at its own position`() async throws {
        let ahead = ReadAhead()
        let part = try part()
        #expect(part.rows.count == 3 && part.isEnd(fileBytes: file.count))
        let id = UUID()
        try keep(part, of: id, in: ahead)
        #expect(try await ahead.take(UUID(), behind: part.before, clock)?.rows == nil)
        #expect(try await ahead.take(id, behind: part.after, clock)?.rows == nil)
        try keep(part, of: id, in: ahead)
        var settled = part.before
        settled.amounts = .minorUnits
        #expect(try await ahead.take(id, behind: settled, clock)?.rows == part.rows)
        #expect(try await ahead.take(id, behind: settled, clock)?.rows == nil)
        try keep(nil, of: id, in: ahead)
        #expect(try await ahead.take(id, behind: settled, clock)?.rows == nil)
    }

    @Test func `a step waits for its rows while they are being read, and for no others`() async throws {
        let ahead = ReadAhead()
        let part = try part()
        let id = UUID()
        #expect(ahead.begin(id, behind: part.before))
        #expect(try await ahead.take(UUID(), behind: part.before, PatientClock())?.rows == nil)
        // Another step has read the rows itself meanwhile.
        #expect(try await ahead.take(id, behind: part.after, PatientClock())?.rows == nil)
        async let taken = ahead.take(id, behind: part.before, PatientClock())
        await Task.yield()
        ahead.end(part)
        #expect(try await taken?.rows == part.rows)
    }

    @Test func `a step that has waited too long reads its rows itself, and only one part is read ahead at a time`() async throws {
        let ahead = ReadAhead()
        let part = try part()
        let id = UUID()
        #expect(ahead.begin(id, behind: part.before))
        #expect(try await ahead.take(id, behind: part.before, clock)?.rows == nil)
        #expect(!ahead.begin(id, behind: part.after))
        ahead.end(part)
        // The part comes too late: the step has read these rows itself.
        #expect(try await ahead.take(id, behind: part.after, clock)?.rows == nil)
        #expect(ahead.begin(id, behind: part.after))
    }

    @Test func `import threads pause while they compute, and others do not`() async throws {
        let threads = ImportThreads()
        let pausesAhead: Bool = await withCheckedContinuation { continuation in
            if !threads.readAhead({ continuation.resume(returning: Self.pauses(within: .seconds(60))) }) { continuation.resume(returning: false) }
        }
        #expect(pausesAhead)
        #expect(try await threads.step { Self.pauses(within: .seconds(60)) })
        #expect(!Self.pauses(within: .milliseconds(1)))
    }

    /// Computes until the thread has paused or the time is up.
    private static func pauses(within limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if pauseIfNeeded() { return true }
        }
        return false
    }

    @Test func `rows in which nothing is wrong are products already, with what their amounts mean`() throws {
        let part = try part()
        #expect(part.new.keys.sorted() == [2])
        #expect(part.keyed.map(\.key) == ["A", "B"] && part.unkeyed.map(\.line) == [4])
        #expect(part.amounts == .minorUnits)
        #expect(try self.part(.decimals).new.isEmpty)
    }
}
