/// The rows of one product in Shopify's export, which follow each other: one for each variant, and one for each further picture. Only the first has the cells that
/// all have in common.
struct ShopifyProduct {
    private static let common = ["name", "description", "brand", "category", "option1.name", "option2.name", "option3.name"]

    /// Where the product begins in the text that is being read.
    let start: (position: Int, line: Int)
    private let line: Int
    private let head: [String: String]
    private var more: [(line: Int, cells: [String: String])] = []
    private var images: [String] = []
    var handle: String? { head["handle"] }
    /// Of rows in between.
    var rejections: [Rejection] = []

    init(_ line: Int, _ cells: [String: String], from start: (position: Int, line: Int)) {
        (self.line, self.start) = (line, start)
        head = cells
        note(cells)
    }

    /// Returns false for a row of another product.
    mutating func add(_ line: Int, _ cells: [String: String]) -> Bool {
        guard let handle = head["handle"], !handle.isEmpty, cells["handle"] == handle else { return false }
        note(cells)
        // The row may only add a picture.
        guard cells["sku"]?.isEmpty == false || cells["price"]?.isEmpty == false else { return true }
        more.append((line, cells.merging(head.filter { Self.common.contains($0.key) }) { own, common in own.isEmpty ? common : own }))
        return true
    }

    private mutating func note(_ cells: [String: String]) {
        if let image = cells["images"], !image.isEmpty, !images.contains(image) { images.append(image) }
    }

    /// One row, with a part for each variant; several rows if the variants have no options that distinguish them.
    var rows: [ImportRow] {
        var first = head
        if head["images"] != nil { first["images"] = images.joined(separator: " ") }
        guard !ProductCells.options(of: head).isEmpty else {
            return [ImportRow(line: line, content: .cells(first))] + more.map { ImportRow(line: $0.line, content: .cells($0.cells)) }
        }
        // The product's SKU is the handle; the SKUs in the rows are those of its variants.
        first["sku"] = head["handle"]
        for name in ["price", "stock", "attribute.barcode"] { first[name] = nil }
        let parts = [ImportRow(line: line, content: .cells(head))] + more.map { ImportRow(line: $0.line, content: .cells($0.cells)) }
        return [ImportRow(line: line, content: .cells(first), parts: parts)]
    }
}
