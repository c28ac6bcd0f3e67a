import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Files of products, stock, prices and categories. A file comes in pieces, which are kept; then a chain of messages reads it, a batch of rows in one
/// transaction each. How far it has come stands in the database beside what it has changed, so whoever gets the next message goes on from there.
struct Imports: Sendable {
    /// In one transaction: long enough to make the database's work worth it, short enough that an administrator's change of a product waits but a moment.
    static let batchRows = 2_000

    let clock: any WallClock
    let randomness: any Randomness

    func store(_ items: [IncomingMessage<FilePiece>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await ImportStore.add(items.map(\.input), now: clock.now(), on: transaction)
        return items.map { _ in .done(.noContent) }
    }

    func create(_ items: [IncomingMessage<NewImport>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            guard try await ImportStore.isWhole(item.input, on: transaction) else {
                outcomes.append(.refused(.conflict("upload-incomplete", "Parts of the file are missing. Nothing was imported: send it again, with another Idempotency-Key.")))
                continue
            }
            let job = ImportJob(item.input, by: item.request.caller?.id, now: clock.now())
            try await ImportStore.insert(job, on: transaction)
            let reply = try Reply(status: 202, headers: ["location": "/v1/imports/\(job.id.lowerCaseText)"], json: ImportView(job, rejected: []))
            outcomes.append(.done(reply, emit: [try next(job)]))
        }
        return outcomes
    }

    /// Continues to read, apart from the thread that answers queries.
    func advance(_ items: [IncomingMessage<AdvanceImport>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await withTaskExecutorPreference(globalConcurrentExecutor) { try await steps(items, on: transaction) }
    }

    private func steps(_ items: [IncomingMessage<AdvanceImport>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let isBehind = try await SearchBacklog.isFull(on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard var job = try await ImportStore.lock(item.input.importID, on: transaction), job.state == .running, job.step == item.input.step else {
                outcomes.append(.done(note: "done before"))
                continue
            }
            let lows = isBehind ? try await pause(&job, on: transaction) : try await step(&job, on: transaction)
            outcomes.append(.done(emit: lows + (job.state == .running ? [try next(job)] : [])))
        }
        // This transaction must not change products: commands lock products before search documents, so the two could deadlock.
        if isBehind { _ = try await SearchBacklog.work(on: transaction) }
        return outcomes
    }

    private func next(_ job: ImportJob) throws -> OutgoingMessage {
        try OutgoingMessage(.request(MessageName.advanceImport), AdvanceImport(importID: job.id, step: job.step))
    }

    /// Continues in the next message, after the search documents have caught up.
    private func pause(_ job: inout ImportJob, on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        job.step += 1
        try await ImportStore.save(job, now: clock.now(), on: transaction)
        return []
    }

    /// Returns the events of stock that has become low.
    private func step(_ job: inout ImportJob, on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let now = clock.now()
        if !job.dryRun { try await SearchBacklog.use(on: transaction) }
        let start = job.reader.position
        let window = try await ImportStore.window(job.id, from: start, count: ImportReader.windowBytes, on: transaction)
        let isLast = start + window.count >= job.bytes
        var rejections: [Rejection] = []
        var lows: [OutgoingMessage] = []
        do {
            let (rows, flaws) = try job.reader.read(window, isLast: isLast, limit: Self.batchRows)
            let taken = try await take(rows, &job, now, on: transaction)
            rejections = flaws + taken.rejections
            lows = taken.lows
            let count = rows.reduce(0) { $0 + $1.lines.count }
            let rejectedRows = taken.rejectedRows(of: rows)
            job.rows += count + flaws.count
            job.accepted += count - rejectedRows
            job.changed += taken.changed
            job.rejected += rejectedRows + flaws.count
            if job.reader.position >= job.bytes || isLast && rows.isEmpty && flaws.isEmpty {
                job.state = .done
                let held = try await WooProducts.unused(job.id, on: transaction)
                rejections += held
                job.accepted -= held.count
                job.rejected += held.count
            }
            if !isLast, job.reader.position == start { throw ImportReader.Unreadable(reason: "the file cannot be read on from line \(job.reader.line)") }
        } catch let error as ImportReader.Unreadable {
            job.state = .failed
            job.failure = error.reason
        }
        job.step += 1
        if job.state != .running { job.finishedAt = now }
        job.unlisted += try await ImportStore.add(rejections.sorted { $0.line < $1.line }, to: job.id, on: transaction)
        try await ImportStore.save(job, now: now, on: transaction)
        return lows
    }

    /// Each row that is not a repetition of an earlier one, as its kind has it.
    private func take(_ rows: [ImportRow], _ job: inout ImportJob, _ now: Date, on transaction: any SQLConnection) async throws -> ImportBatch {
        var batch = ImportBatch(job: job, now: now)
        let keyed = batch.keyed(rows)
        let earlier = try await ImportStore.claim(keyed.flatMap { [$0] + $0.parts }.map { ($0.key, $0.row.line) }, of: job.id, on: transaction)
        let new = batch.unrepeated(keyed, earlier)
        guard !new.isEmpty else { return batch }
        switch job.kind {
        case .products: try await ImportProducts(randomness: randomness).take(new, &batch, on: transaction)
        case .stock: try await ImportStock.take(new, &batch, on: transaction)
        case .prices: try await ImportPrices.take(new, &batch, on: transaction)
        case .categories: try await ImportCategories.take(new, &batch, on: transaction)
        }
        job.reader.amounts = batch.amounts
        return batch
    }
}
