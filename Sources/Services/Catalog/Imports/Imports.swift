import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Files of products, stock, prices and categories. A file comes in pieces, which are kept; then a chain of messages reads it, in
/// transactions of one or more batches of rows. The position is stored in the database with the changes, so any worker that gets the next message continues from there.
struct Imports: Sendable {
    /// In one step: enough rows to use the database efficiently, few enough that an administrator's change of a product waits only briefly.
    static let batchRows = 4_000
    /// A transaction takes another step while it is younger than this, so that a fast database does not wait for a message after each step.
    private static let transactionTime: TimeInterval = 0.2
    /// In one transaction.
    private static let maximumSteps = 3

    let clock: any WallClock
    let randomness: any Randomness
    private let ahead = ReadAhead()
    private let threads = ImportThreads()

    init(clock: any WallClock, randomness: any Randomness) {
        (self.clock, self.randomness) = (clock, randomness)
    }

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
            var job = ImportJob(item.input, by: item.request.caller?.id, now: clock.now())
            // Rows of other kinds need none, or have their product's.
            if job.kind == .products, job.currency == nil { job.currency = try await ImportStore.onlyCurrency(on: transaction) }
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
        try await ImportStore.planForBatches(on: transaction)
        let isBehind = try await SearchBacklog.isFull(on: transaction)
        var outcomes: [Outcome] = []
        var isEnd = false
        // One import in each transaction, the one that has taken the fewest steps: no import waits for its rows while another one holds the lock of the stock.
        var hasStepped = false
        let jobs = try await running(items, on: transaction)
        let first = zip(items, jobs).compactMap { item, job in job?.step == item.input.step ? job : nil }.min { $0.step < $1.step }
        for (item, job) in zip(items, jobs) {
            guard var job else {
                outcomes.append(.done(note: "done before"))
                continue
            }
            guard job.step == item.input.step else {
                outcomes.append(.done(emit: [try next(job)], note: "the database has lost earlier steps"))
                continue
            }
            guard job.id == first?.id, !hasStepped else {
                outcomes.append(.done(emit: [try next(job)]))
                continue
            }
            hasStepped = true
            let lows = isBehind ? try await pause(&job, on: transaction) : try await steps(&job, on: transaction)
            outcomes.append(.done(emit: lows + (job.state == .running ? [try next(job)] : [])))
            if job.state != .running { isEnd = true }
        }
        if !isEnd { try await ImportStore.commitAhead(on: transaction) }
        // This transaction must not change products: commands lock products before search documents, so the two could deadlock.
        if isBehind { _ = try await SearchBacklog.work(on: transaction) }
        return outcomes
    }

    /// The import of each message; nil if it has taken this step, or has ended.
    private func running(_ items: [IncomingMessage<AdvanceImport>], on transaction: any SQLConnection) async throws -> [ImportJob?] {
        var jobs: [ImportJob?] = []
        for item in items {
            let job = try await ImportStore.lock(item.input.importID, on: transaction)
            jobs.append(job.flatMap { $0.state == .running && $0.step <= item.input.step ? $0 : nil })
        }
        return jobs
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

    /// Takes a step. Takes further ones while they are quick: the previous one was a step of new products, which locks no stock, and the next rows have already been read.
    /// Returns the events of stock that has become low.
    private func steps(_ job: inout ImportJob, on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let start = clock.now()
        var (lows, isFresh) = try await step(&job, on: transaction)
        for _ in 1..<Self.maximumSteps where isFresh && job.state == .running && clock.now().timeIntervalSince(start) < Self.transactionTime {
            guard let part = ahead.takeAtOnce(job.id, behind: job.reader) else { break }
            let more: [OutgoingMessage]
            (more, isFresh) = try await step(&job, of: part, on: transaction)
            lows += more
        }
        return lows
    }

    /// - Parameter read: The rows, if they have already been read.
    private func step(_ job: inout ImportJob, of read: ImportPart? = nil, on transaction: any SQLConnection) async throws -> (lows: [OutgoingMessage], isFresh: Bool) {
        let now = clock.now()
        if !job.dryRun { try await SearchBacklog.use(on: transaction) }
        var rejections: [Rejection] = []
        var lows: [OutgoingMessage] = []
        var isFresh = false
        do {
            let part = if let read { read } else { try await threads.step { try await self.part(of: job, now, on: transaction) } }
            let isEnd = part.isEnd(fileBytes: job.bytes)
            job.move(behind: part)
            if !isEnd { readAhead(try await window(of: job, on: transaction), job, now) }
            var taken = try await threads.step { try await take(part, &job, now, on: transaction) }
            let held = isEnd ? try await heldToTheEnd(&taken, on: transaction) : []
            // Orders wait from the moment the stock is locked until the commit, so nothing in between may wait for a low-priority thread.
            try await ImportStock.set(&taken, on: transaction)
            rejections = part.flaws + taken.rejections + held
            (lows, isFresh) = (taken.lows, taken.isFresh)
            job.count(part, taken)
            job.reject(accepted: held.count)
            if isEnd { job.state = .done }
            if !part.isLast, part.after.position == part.before.position {
                throw ImportReader.Unreadable(reason: "the file cannot be read from line \(job.reader.line) on")
            }
        } catch let error as ImportReader.Unreadable {
            job.state = .failed
            job.failure = error.reason
            var rest = ImportBatch(job: job, now: now)
            let held = try await heldToTheEnd(&rest, on: transaction)
            rejections += rest.rejections + held
            job.changed += rest.changed
            job.reject(accepted: rest.rejections.count + held.count)
        }
        job.step += 1
        if job.state != .running { job.finishedAt = now }
        job.unlisted += try await ImportStore.add(rejections.sorted { $0.line < $1.line }, to: job.id, on: transaction)
        try await ImportStore.save(job, now: now, on: transaction)
        if !job.dryRun { try await ImportStore.replan(after: job.step, on: transaction) }
        return (lows, isFresh)
    }

    /// The rejections of rows that waited in vain for others in the file. Until now, they were counted as accepted.
    private func heldToTheEnd(_ batch: inout ImportBatch, on transaction: any SQLConnection) async throws -> [Rejection] {
        switch batch.job.kind {
        case .products: try await WooProducts.unused(batch.job.id, on: transaction)
        case .categories: try await ImportCategories.finish(&batch, on: transaction)
        case .stock, .prices: []
        }
    }

    /// The rows of this step.
    private func part(of job: ImportJob, _ now: Date, on transaction: any SQLConnection) async throws -> ImportPart {
        if let part = try await ahead.take(job.id, behind: job.reader, clock) { return part }
        return try ImportPart(of: try await window(of: job, on: transaction), job, products, now: now)
    }

    private func window(of job: ImportJob, on transaction: any SQLConnection) async throws -> [UInt8] {
        try await ImportStore.window(job.id, from: job.reader.position, count: ImportReader.windowBytes, on: transaction)
    }

    /// Begins to read the rows of the next step while the database works on those of this one. Errors in the file are reported by the step that handles those rows.
    private func readAhead(_ window: [UInt8], _ job: ImportJob, _ now: Date) {
        guard ahead.begin(job.id, behind: job.reader) else { return }
        let (ahead, products) = (ahead, products)
        if !threads.readAhead({ ahead.end(try? ImportPart(of: window, job, products, now: now)) }) { ahead.end(nil) }
    }

    private var products: ImportProducts { ImportProducts(randomness: randomness) }

    /// Each row that is not a repetition of an earlier one, as its kind has it.
    private func take(_ part: ImportPart, _ job: inout ImportJob, _ now: Date, on transaction: any SQLConnection) async throws -> ImportBatch {
        var batch = ImportBatch(job: job, now: now)
        batch.rejections = part.unkeyed
        if let fresh = part.fresh, part.before.amounts == batch.amounts, try await fresh.insert(now: now, on: transaction) {
            batch.changed = fresh.wishes.count
            batch.isFresh = true
            job.reader.amounts = part.amounts
            return batch
        }
        let earlier = try await ImportStore.claim(part.keys, of: job.id, on: transaction)
        let new = earlier.isEmpty && !part.keys.areRepeated ? part.keyed : batch.unrepeated(part.keyed, earlier)
        guard !new.isEmpty else { return batch }
        switch job.kind {
        case .products: try await products.take(new, part, &batch, on: transaction)
        case .stock: try await ImportStock.take(new, &batch, on: transaction)
        case .prices: try await ImportPrices.take(new, &batch, on: transaction)
        case .categories: try await ImportCategories.take(new, &batch, on: transaction)
        }
        job.reader.amounts = batch.amounts
        return batch
    }
}
