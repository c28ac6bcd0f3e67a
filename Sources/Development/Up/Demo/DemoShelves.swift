extension DemoProduct {
    static let shelves = [coffee, tea, kitchen, stationery, garden, lighting]

    private static let coffee = Shelf(
        category: "coffee", prefix: "COF",
        products: [
            ("HARBOUR", "Harbour Blend Espresso, 500 g", "Dark roast of five origins: cocoa, toasted almond, little acidity.", 1_290),
            ("YIRGACHEFFE", "Ethiopia Yirgacheffe, 250 g", "Washed, light roast: jasmine, lemon, black tea.", 1_190),
            ("HUILA", "Colombia Huila, 250 g", "Medium roast: caramel, red apple.", 990),
            ("MANDHELING", "Sumatra Mandheling, 250 g", "Wet-hulled, full body: cedar, dark chocolate.", 1_050),
            ("DECAF", "Decaf Swiss Water, 250 g", "Decaffeinated without solvents, medium roast.", 1_090),
            ("COLDBREW", "Cold Brew Bags, 10 pieces", "Coarsely ground; one bag makes a litre overnight.", 1_450),
            ("FILTERS", "Paper Filters No. 4, 100 pieces", "Oxygen-bleached, for drippers and machines.", 390),
            ("DRIPPER", "Porcelain Dripper", "Ribbed cone for filters No. 4.", 2_490),
            ("GRINDER", "Hand Grinder", "Steel conical burrs, 30 g, adjustable in 36 steps.", 7_900),
            ("KETTLE", "Gooseneck Kettle, 0.9 l", "Stainless steel, for all hobs.", 4_990),
        ])

    private static let tea = Shelf(
        category: "tea", prefix: "TEA",
        products: [
            ("ASSAM", "Assam Second Flush, 200 g", "Malty, strong, takes milk.", 890),
            ("DARJEELING", "Darjeeling First Flush, 100 g", "Flowery and bright, from one garden.", 1_590),
            ("EARLGREY", "Earl Grey, 200 g", "Ceylon with oil of Calabrian bergamot.", 950),
            ("SENCHA", "Sencha, 100 g", "Steamed Japanese green tea, fresh and grassy.", 1_290),
            ("OOLONG", "Milk Oolong, 100 g", "Half fermented, creamy, good for five infusions.", 1_490),
            ("ROOIBOS", "Rooibos Vanilla, 200 g", "Without caffeine, with pieces of vanilla.", 750),
            ("PEPPERMINT", "Peppermint Leaves, 80 g", "Whole leaves from Franconia.", 590),
            ("CHAMOMILE", "Chamomile Flowers, 60 g", "Whole flowers, hand-picked.", 650),
            ("TEAPOT", "Glass Teapot, 1.2 l", "Borosilicate glass with a steel strainer.", 3_290),
            ("STRAINER", "Tea Strainer", "Fine steel mesh with a drip dish.", 890),
        ])

    private static let kitchen = Shelf(
        category: "kitchen", prefix: "KIT",
        products: [
            ("CHEFKNIFE", "Chef's Knife, 20 cm", "Forged, full tang, oak handle.", 8_900),
            ("PARING", "Paring Knife, 9 cm", "The small one for everything.", 2_900),
            ("BOARD", "Cutting Board, Ash", "End grain, 40 by 30 cm, oiled.", 5_490),
            ("SKILLET", "Cast Iron Skillet, 26 cm", "Seasoned, for hob, oven and fire.", 4_590),
            ("SAUCEPAN", "Saucepan, 2 l", "Three layers, lid with a pouring rim.", 6_490),
            ("WHISK", "Balloon Whisk", "Steel, 11 wires.", 1_290),
            ("SPATULA", "Wooden Spatula", "Olive wood, 30 cm.", 890),
            ("MORTAR", "Granite Mortar", "With pestle, 15 cm.", 3_490),
            ("SCALE", "Kitchen Scale", "Up to 5 kg, in steps of 1 g.", 2_790),
            ("TOWELS", "Kitchen Towels, set of 3", "Half linen, 50 by 70 cm.", 1_990),
        ])

    private static let stationery = Shelf(
        category: "stationery", prefix: "STA",
        products: [
            ("NOTEBOOK", "Notebook A5, dotted", "192 pages of 100 g paper, thread-bound.", 1_690),
            ("POCKET", "Pocket Notebook, set of 3", "48 pages each, squared.", 990),
            ("FOUNTAIN", "Fountain Pen, fine nib", "Aluminium, with converter.", 3_490),
            ("INK", "Ink, Midnight Blue, 50 ml", "Document-proof.", 1_190),
            ("PENCILS", "Pencils, set of 12", "2H to 6B, cedar.", 1_490),
            ("ERASER", "Kneadable Eraser", "Leaves no crumbs.", 250),
            ("RULER", "Brass Ruler, 15 cm", "Engraved scale.", 1_250),
            ("TAPE", "Paper Tape, 3 rolls", "Tears by hand, peels without a trace.", 690),
            ("ENVELOPES", "Envelopes C6, 25 pieces", "Laid paper, gummed.", 890),
            ("CALENDAR", "Wall Calendar", "One page a month, with weeks.", 1_990),
        ])

    private static let garden = Shelf(
        category: "garden", prefix: "GAR",
        products: [
            ("TROWEL", "Hand Trowel", "Forged steel, ash handle.", 1_890),
            ("SECATEURS", "Secateurs", "Bypass blades, all parts can be replaced.", 4_290),
            ("WATERINGCAN", "Watering Can, 9 l", "Galvanised, with a brass rose.", 3_990),
            ("GLOVES", "Garden Gloves", "Goatskin palms, size M.", 1_690),
            ("TWINE", "Jute Twine, 100 m", "Untreated.", 490),
            ("POTS", "Clay Pots, set of 6", "12 cm, frost-proof.", 1_590),
            ("TOMATO", "Tomato Seeds, 5 sorts", "Open-pollinated, 15 seeds each.", 790),
            ("HERBS", "Herb Seeds, 6 sorts", "Basil, thyme, parsley, chives, dill, coriander.", 890),
            ("MEADOW", "Meadow Mix, 250 g", "40 native flowers for 25 square metres.", 1_990),
            ("BIRDHOUSE", "Bird House, Larch", "Entrance of 28 mm, for tits.", 2_690),
        ])

    private static let lighting = Shelf(
        category: "lighting", prefix: "LIG",
        products: [
            ("DESK", "Desk Lamp", "Two joints, 2,700 to 4,000 K.", 8_990),
            ("PENDANT", "Pendant Lamp, 30 cm", "Enamelled steel, sea green.", 7_490),
            ("LANTERN", "Storm Lantern", "Burns paraffin for 20 hours.", 3_290),
            ("STRING", "String Lights, 10 m", "100 warm white lights, for outdoors.", 2_490),
            ("BULB", "LED Bulb E27, 2 pieces", "806 lm, 7 W, dimmable.", 990),
            ("CANDLES", "Beeswax Candles, set of 4", "Hand-dipped, 20 cm.", 1_890),
            ("HOLDER", "Candle Holder, Brass", "Heavy, with a felt base.", 2_190),
            ("TORCH", "Pocket Torch", "400 lm, charged by USB-C.", 3_490),
            ("NIGHT", "Night Light", "Turns itself on when it is dark.", 1_290),
            ("FLOOR", "Floor Lamp, Oak", "Linen shade, 150 cm.", 14_900),
        ])
}
