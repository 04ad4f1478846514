import keras
import numpy as np
from table_of_classes import TableOfClasses  # the file above, beside this one

import repdist

features, names = repdist.example_features()  # 10 digits x 300 images x 64 numbers
rows, labels = features[:, :200].reshape(-1, 64), np.repeat(names, 200)
unseen, unseen_labels = features[:, 200:].reshape(-1, 64), np.repeat(names, 100)

model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(32, activation="relu", name="representation"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
tables = TableOfClasses(unseen, unseen_labels, layer="representation", path="tables.csv")
model.fit(rows, labels.astype(int), epochs=10, callbacks=[tables])

effects = tables.to_frame().pivot(index="epochs", columns=["first", "second"], values="effect")
print(effects.median(axis=1).round(2))
ax = effects.plot(color="0.6", linewidth=0.7, legend=False, ylabel="effect")
ax.figure.savefig("classes_move_apart.png")
tables.table.to_html("last_epoch.html")
