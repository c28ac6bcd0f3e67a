import Contracts
import FoundationEssentials
import IOThreads
import Input
import JSON
import Messaging

/// A row with its key. It is a class, so that passing on thousands of rows copies only references.
final class KeyedRow: Sendable {
    let key: String
    let row: ImportRow
    /// The rows of its variants.
    let parts: [KeyedRow]
    /// Whether the product keeps its other variants.
    let keepsVariants: Bool

    init(key: String, row: ImportRow, parts: [KeyedRow] = [], keepsVariants: Bool = false) {
        (self.key, self.row, self.parts, self.keepsVariants) = (key, row, parts, keepsVariants)
    }

    /// The row that has this SKU.
    func part(_ sku: String) -> KeyedRow { parts.first { $0.key == sku } ?? self }

    var cells: [String: String]? {
        if case .cells(let cells) = row.content { cells } else { nil }
    }
}

/// The rows of one transaction, and what has become of them.
struct ImportBatch: Sendable {
    let job: ImportJob
    let now: Date
    var amounts: AmountReader.Form?
    var rejections: [Rejection] = []
    /// Rows that said something new.
    var changed = 0
    /// Whether all rows were new products (``FreshProducts``).
    var isFresh = false
    /// Stock levels to set, all different from the current ones. They are set last, because orders wait while the stock is locked.
    var stock: [(row: KeyedRow, sku: String, onHand: Int)] = []
    /// SKUs that this batch creates. In a dry run, they have no stock.
    var newSKUs: Set<String> = []
    /// The events of stock that has become low.
    var lows: [OutgoingMessage] = []

    init(job: ImportJob, now: Date) {
        self.job = job
        self.now = now
        amounts = job.reader.amounts
    }

    /// Of one row; more would not help.
    private static let maximumPerRow = 5

    mutating func reject(_ row: KeyedRow, column: String? = nil, value: String? = nil, _ reason: String) {
        rejections.append(Rejection(line: row.row.line, column: column.map { name(of: $0) }, value: value ?? column.flatMap { row.cells?[$0] }, reason))
    }

    /// What `Fields` has found, under the names that the file has for it.
    mutating func reject(_ row: KeyedRow, _ problem: Problem) {
        let errors = problem.errors ?? [.init(field: "", detail: problem.detail)]
        for error in errors.prefix(Self.maximumPerRow) {
            let column = row.cells == nil ? error.field : column(of: error.field)
            rejections.append(
                Rejection(
                    line: row.row.line, column: column.isEmpty ? nil : name(of: column), value: row.cells?[column], error.detail))
        }
    }

    private func column(of field: String) -> String {
        switch field {
        case "price.amount", "price": job.reader.layout?.index(of: "price") == nil ? "amount" : "price"
        case "price.currency": "currency"
        case "categories": job.reader.layout?.index(of: "categories") == nil ? "category" : "categories"
        default: field
        }
    }

    func name(of column: String) -> String { job.reader.layout?.name(of: column) ?? column }

    // MARK: - Keys

    private struct Keys: Decodable {
        let sku: String?
        let slug: String?
    }

    mutating func keyed(_ rows: [ImportRow]) -> [KeyedRow] {
        rows.compactMap { row in
            pauseIfNeeded()
            let column = job.kind.key
            switch row.content {
            case .cells(let cells):
                guard let keyed = keyed(row, Self.key(of: cells, column), row.parts.isEmpty ? column : "handle") else { return nil }
                if row.parts.isEmpty { return keyed }
                let parts = row.parts.compactMap { part -> KeyedRow? in
                    guard case .cells(let cells) = part.content else { return nil }
                    return self.keyed(part, cells["sku"] ?? "", column)
                }
                return parts.count == row.parts.count ? KeyedRow(key: keyed.key, row: row, parts: parts) : nil
            case .json(let bytes):
                do {
                    let keys = try JSON.decode(Keys.self, from: bytes)
                    return keyed(row, (job.kind == .categories ? keys.slug : keys.sku)?.trimmed ?? "", column)
                } catch {
                    rejections.append(Rejection(line: row.line, "is not a JSON object with a text in '\(column)'"))
                    return nil
                }
            }
        }
    }

    /// WooCommerce's variable products need no SKU, because they are not sold themselves.
    private static func key(of cells: [String: String], _ column: String) -> String {
        let text = cells[column] ?? ""
        guard text.isEmpty, WooProducts.isVariable(cells), let id = cells["woo.id"], !id.isEmpty else { return text }
        return "woo-\(id)"
    }

    private mutating func keyed(_ row: ImportRow, _ text: String, _ column: String) -> KeyedRow? {
        let keyed = KeyedRow(key: text.nfc, row: row)
        guard let flaw = flaw(of: keyed.key) else { return keyed }
        reject(keyed, column: column, value: text.isEmpty ? nil : text, flaw)
        return nil
    }

    private func flaw(of key: String) -> String? {
        if key.isEmpty { return "is required" }
        if AmountReader.isBroken(key) { return "is a number that a spreadsheet has broken: format the column as text, and export it again" }
        if job.kind == .categories {
            return key.hasControls() || key.unicodeScalars.count > Category.maximumNameLength
                ? "must have 1 to \(Category.maximumNameLength) characters, none of them a control character" : nil
        }
        if key.isSKU, key.utf8.count <= 64 { return nil }
        return key.utf8.count > 64 ? "must have 1 to 64 characters" : "may hold ASCII letters, digits, '.', '_' and '-' only"
    }

    /// The rows whose keys no earlier row has, in this step or an earlier one.
    mutating func unrepeated(_ rows: [KeyedRow], _ earlier: [String: Int]) -> [KeyedRow] {
        var lines = earlier
        return rows.filter { row in
            var isNew = true
            for row in [row] + row.parts {
                if let line = lines[row.key] {
                    reject(row, column: job.kind.key, value: row.key, "is already in line \(line)")
                    isNew = false
                } else {
                    lines[row.key] = row.row.line
                }
            }
            return isNew
        }
    }

    /// The number of rows of the file that are rejected: a product with one wrong row is rejected as a whole.
    func rejectedRows(of rows: [ImportRow]) -> Int {
        guard !rejections.isEmpty else { return 0 }
        let lines = Set(rejections.map(\.line))
        return rows.reduce(0) { $0 + ($1.lines.contains(where: lines.contains) ? $1.lines.count : 0) }
    }

    // MARK: - Reading

    /// What a row says, as its fields are read; nil, and rejected, when something is wrong with it.
    mutating func read<Value>(_ row: KeyedRow, _ object: [String: JSONValue]?, _ body: (inout Fields) throws -> Value) rethrows -> Value? {
        do {
            let bytes: [UInt8]
            switch row.row.content {
            case .json(let content): bytes = content
            case .cells: bytes = try JSON.encode(object ?? [:])
            }
            return try Fields.read(Request(id: job.id, operation: MessageName.advanceImport, body: bytes), body)
        } catch let problem as Problem {
            reject(row, problem)
            return nil
        } catch {
            reject(row, "cannot be read")
            return nil
        }
    }

    /// The price that the cells name; nil for none, and for one that was rejected.
    mutating func price(_ row: KeyedRow, _ cells: [String: String], known: String?) -> Result<Money?, Problem> {
        let column = cells["amount"] == nil ? "price" : "amount"
        guard let text = cells[column], !text.isEmpty else { return .success(nil) }
        let currency = cells["currency"].flatMap { $0.isEmpty ? nil : $0.uppercased() } ?? job.currency ?? known
        guard let currency else {
            return .failure(.invalidInput("currency", "is required: add the column, or declare it, as in currency=EUR"))
        }
        guard let digits = Currency(currency)?.digits else {
            return .failure(.invalidInput("currency", "must be the ISO 4217 code of a currency in use, such as EUR"))
        }
        do throws(AmountReader.Flaw) {
            let amount = try AmountReader.minorUnits(text, digits: digits, mark: job.mark, form: &amounts, isDecimal: column == "price")
            return .success(Money(amount: amount, currency: currency))
        } catch {
            return .failure(.invalidInput(column, error.reason))
        }
    }
}
